import {
  dispose,
  memory,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
  util,
  type Variable,
  version_core,
} from "@tensorflow/tfjs-core";
import { checksum, inputValues, type StepShape } from "../calls.ts";
import type { Contestant, Introduction, Prepared, StartOptions, Task } from "./contestant.ts";
import { profileStep } from "./profile.ts";
import { functionOf } from "./tfjs-calls.ts";

/** A training step, ready to be repeated. */
export interface Step {
  /** One step; gives its losses, so that nothing of it can be left out. */
  run(): Promise<readonly number[]>;
  /** Trained numbers of the generator and of the discriminator. */
  readonly parameters: readonly number[];
  dispose(): void;
}

/** What is asked of a backend of TensorFlow.js beside its public functions, which all of them share. */
export interface TfjsBackend {
  /** Its name in TensorFlow.js. */
  readonly backend: string;
  /** Makes the backend the current one. */
  start(options: StartOptions): Promise<Introduction>;
  /** What the benchmark supplied of kernels that the backend lacks, as they are used. */
  readonly substituted?: Set<string>;
  /** Training batch norm over all axes but the last, epsilon 1e-5. */
  batchNorm(x: Tensor4D, scale: Tensor, offset: Tensor): Tensor;
  /** Adam over one variable: learning rate 1e-3, betas 0.5 and 0.99. */
  adam(parameter: Variable): { step(gradient: Tensor): void; dispose(): void };
  /** Its convolutions take `groups`. */
  readonly groups?: boolean;
  /** @param plain kernels are called by the library at each step, none replayed, so that each can be clocked */
  step(shape: StepShape, plain?: boolean): Step | { readonly missing: string };
  /** Of backends that compute on a GPU. */
  readonly gpu?: {
    /** Settles when the GPU has done all that was asked of it. */
    finish(): Promise<void>;
    /** How often each op has run elsewhere. */
    elsewhere(): ReadonlyMap<string, number>;
  };
  /** Floating-point operations of a kernel's call, where they are known. */
  flops?(kernel: string, inputs: object, attrs: object): number | undefined;
}

/** Kernels missing from a backend show as this error of TensorFlow.js. */
const missingKernel = /Kernel '(\w+)' not registered for (?:the )?backend/;

/** A backend of TensorFlow.js as a contestant. */
export function tfjsContestant(backend: TfjsBackend): Contestant {
  return {
    start: async (options) => {
      const { says, ...rest } = await backend.start(options);
      return { ...rest, says: `${says}, tfjs-core ${version_core}` };
    },
    prepare: async (one) => {
      const tensors = memory().numTensors;
      backend.substituted?.clear();
      try {
        return one.call.op === "step"
          ? await prepareStep(backend, one.call.shape, tensors)
          : await prepare(backend, one);
      } catch (error) {
        const [, kernel] = missingKernel.exec(String(error)) ?? [];
        if (kernel !== undefined) return { missing: `no kernel ${kernel}` };
        throw error;
      }
    },
    profile: async ({ call }, steps) => {
      if (call.op !== "step") throw new Error("profile: expected a step");
      const step = backend.step(call.shape, true);
      if ("missing" in step) throw new Error(step.missing);
      try {
        return await profileStep(backend, step, steps);
      } finally {
        step.dispose();
      }
    },
  };
}

/** Where the backend computes on a GPU: what a case needs to be measured there. */
function onGpu({ gpu }: TfjsBackend): Pick<Prepared, "finish" | "onWasm"> {
  if (gpu === undefined) return {};
  const before = gpu.elsewhere();
  return {
    finish: () => gpu.finish(),
    onWasm: () => [...gpu.elsewhere()].flatMap(([op, calls]) => (calls > (before.get(op) ?? 0) ? [op] : [])),
  };
}

async function prepare(
  backend: TfjsBackend,
  { call, inputs: specs }: Task,
): Promise<Prepared | { readonly missing: string }> {
  const tensors = memory().numTensors;
  const inputs = specs.map((spec, i) => tensor(inputValues(spec, i), [...spec.shape], spec.dtype));
  const free = (): number => {
    made?.dispose?.();
    dispose(inputs);
    return memory().numTensors - tensors;
  };
  const made = functionOf(call, backend, inputs);
  if (made === undefined) {
    free();
    return { missing: "no such function" };
  }
  try {
    const gpu = onGpu(backend);
    const results = tidy(made.run);
    const sum = checksum(await Promise.all(results.map((result) => result.data())));
    const bytes = [...inputs, ...results].reduce(
      (total, { size, dtype }) => total + size * util.bytesPerElement(dtype),
      0,
    );
    dispose(results);
    return {
      run: () => dispose(tidy(made.run)),
      step: undefined,
      ...gpu,
      ...{ checksum: sum, bytes, substituted: backend.substituted },
      verify: async () => {
        // Reading one result shows that they were computed.
        const [first, ...rest] = tidy(made.run);
        const finite = Number.isFinite(checksum([await first.data()]));
        dispose([first, ...rest]);
        if (!finite) throw new Error("the result is not finite");
      },
      dispose: free,
    };
  } catch (error) {
    free();
    throw error;
  }
}

async function prepareStep(
  backend: TfjsBackend,
  shape: StepShape,
  tensors: number,
): Promise<Prepared | { readonly missing: string }> {
  const step = backend.step(shape);
  if ("missing" in step) return step;
  const once = async () => {
    const losses = await step.run();
    if (!losses.every(Number.isFinite)) throw new Error(`the step's losses are ${losses}`);
  };
  const free = (): number => {
    step.dispose();
    return memory().numTensors - tensors;
  };
  const gpu = onGpu(backend);
  try {
    await once();
  } catch (error) {
    free();
    throw error;
  }
  const { substituted } = backend;
  return { run: undefined, step: once, ...gpu, parameters: step.parameters, substituted, dispose: free };
}
