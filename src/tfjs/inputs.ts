import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";

/** Inputs of a call: tensors by name, or a list of them. */
export type Inputs = Parameters<KernelFunc>[0]["inputs"];

/** One may be a list of tensors, or left out. */
type Input = TensorInfo | TensorInfo[] | null | undefined;

/** The tensors of a call. */
export const tensorsOf = (inputs: Inputs): TensorInfo[] =>
  (Object.values(inputs) as Input[]).flat().filter((tensor): tensor is TensorInfo => tensor != null);

/** Nothing but what a TensorInfo has. */
export const infoOf = ({ dataId, shape, dtype }: TensorInfo): TensorInfo => ({
  dataId,
  shape: [...shape],
  dtype,
});

/**
 * The inputs with shapes of their own, as they are now: kernels may write to shapes, and TensorFlow.js may dispose of
 * tensors before their values come. Some kernels ask for the rank, which a TensorInfo has not.
 */
export function inputsCopied(inputs: Inputs): Inputs {
  const copy = (input: Input): Input =>
    Array.isArray(input)
      ? input.map((tensor) => copy(tensor) as TensorInfo)
      : input && ({ ...infoOf(input), rank: input.shape.length } as TensorInfo);
  if (Array.isArray(inputs)) return copy(inputs) as never;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, copy(input as Input)]),
  ) as Inputs;
}

/** A kernel's results, be it one or several. */
export const listOf = (results: TensorInfo | TensorInfo[]): TensorInfo[] =>
  Array.isArray(results) ? results : [results];
