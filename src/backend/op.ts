import {
  type DataType,
  engine,
  type NamedAttrMap,
  type Tensor,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs-core";
import { check, checkType, kindOf, showShape } from "../errors.ts";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { Planner } from "../wasm/planner.ts";
import type { GanvilBackend } from "./backend.ts";

/** A tensor as a kernel sees it. */
export interface Operand {
  readonly ptr: number;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Number of elements. */
  readonly size: number;
}

/** What an op's result looks like; dtype defaults to float32. */
export interface OutputSpec {
  readonly shape: readonly number[];
  readonly dtype?: DataType;
}

/** What one kernel call may use beside its operands. All of it is gone when the call ends. */
export interface Call {
  readonly kernels: Kernels;
  /**
   * Runs the units [0, units) of a kernel whose last three parameters are `scratch, from, to`: it computes the
   * units from `from` to before `to`, which depend on no other unit, with scratch memory of its own.
   */
  split(kernel: keyof Kernels, units: number, scratchBytes: number, args: readonly number[]): void;
  readonly planner: Planner;
  /** Writes integers where the kernel can read them; returns their address. */
  ints(values: ArrayLike<number>): number;
  /** A workspace of so many bytes, 64-byte aligned, contents undefined; returns its address. */
  workspace(bytes: number): number;
  /** Reads an int32 operand's element. */
  intAt(ptr: number, index: number): number;
  /** Copies bytes into a workspace; returns its address. */
  bytes(values: Uint8Array): number;
}

type Named<Names extends string, T> = { readonly [name in Names]: T };
type Shaped = Pick<TensorInfo, "shape" | "dtype">;

/**
 * One op, written once: what it accepts, what it gives, how Wasm computes it, its gradient.
 *
 * `Names` are its input tensors, `Optional` those that may be left out, `Attrs` its attributes. An op over
 * a list of tensors sets `inputs: "list"`; its inputs are then named "0", "1", ...
 */
export interface Op<
  Names extends string = string,
  Attrs extends object = object,
  Optional extends string = never,
> {
  /** TensorFlow.js's kernel name where it has one, so that its public function arrives here. */
  readonly name: string;
  readonly inputs: readonly (Names | NoInfer<Optional>)[] | "list";
  /** Those of `inputs` that may be left out. */
  readonly optional?: readonly NoInfer<Optional>[];
  /** Attributes may be functions: each replay of a captured step asks them for their values anew. */
  readonly live?: true;
  /** Shapes of the results. Throws the error that a user can act on: every check stands here. */
  infer(
    inputs: Named<Names, Shaped> & Partial<Named<Optional, Shaped>>,
    attrs: Attrs,
  ): OutputSpec | readonly OutputSpec[];
  /**
   * Computes the results, or is "alias" where the (only) result shares the first input's values, "composed"
   * where `compose` computes it.
   */
  readonly wasm:
    | "alias"
    | "composed"
    | ((
        call: Call,
        inputs: Named<Names, Operand> & Partial<Named<Optional, Operand>>,
        outputs: readonly Operand[],
        attrs: Attrs,
      ) => void);
  /**
   * The (only) result made of other ops, for an op that is not worth a kernel. Not on the tape: `gradient` is
   * the op's own. The result is a new tensor, never an input.
   */
  compose?(inputs: Named<Names, Tensor> & Partial<Named<Optional, Tensor>>, attrs: Attrs): Tensor;
  /** Floating-point operations of one call, for placement and benchmarks. */
  flops?(inputs: Named<Names, Shaped>, attrs: Attrs): number;
  /**
   * Results that `gradient` is given beside the inputs, true for each. Only such as no gradient flows through:
   * TensorFlow.js's tape loses the link of a saved result to the inputs.
   */
  readonly saved?: readonly boolean[];
  /**
   * Gradient with respect to each input, made of registered ops so that it differentiates again.
   * `dy` is the first result's incoming gradient, `dys` all of them, `saved` the results of that name. Absent:
   * the op has none.
   */
  gradient?(
    dy: Tensor,
    inputs: Named<Names, Tensor> & Partial<Named<Optional, Tensor>>,
    attrs: Attrs,
    dys: readonly Tensor[],
    saved: readonly Tensor[],
  ): { [name: string]: () => Tensor };
}

/** A value, or a function that each replay of a captured step asks for it. */
export type Live<T> = T | (() => T);

/** Attributes of a `live` op. */
export type LiveAttrs<Attrs> = { readonly [name in keyof Attrs]: Live<Attrs[name]> };

/** An op of any inputs and attributes, as the registry sees it. */
// biome-ignore lint/suspicious/noExplicitAny: the registry holds ops of every signature.
export type AnyOp = Op<any, any, any>;

/** Types an op's record. Defining does nothing by itself: `init()` registers the list in ops/index.ts. */
export function defineOp<
  Names extends string,
  Attrs extends object = object,
  Optional extends string = never,
>(op: Op<Names, Attrs, Optional>): Op<Names, Attrs, Optional> {
  return op;
}

/** Calls a registered op by its record; the tape sees it. For an op with one result. */
export function call<Names extends string, Attrs extends object, Optional extends string>(
  op: Op<Names, Attrs, Optional>,
  inputs: Named<Names, Tensor> & Partial<Named<Optional, Tensor | undefined>>,
  attrs: Attrs,
): Tensor {
  return engine().runKernel(op.name, inputs as never, attrs as NamedAttrMap) as unknown as Tensor;
}

/** Calls a registered op that gives several results. */
export function callMany<Names extends string, Attrs extends object, Optional extends string>(
  op: Op<Names, Attrs, Optional>,
  inputs: Named<Names, Tensor> & Partial<Named<Optional, Tensor | undefined>>,
  attrs: Attrs,
): Tensor[] {
  return engine().runKernel(op.name, inputs as never, attrs as NamedAttrMap) as unknown as Tensor[];
}

/** Refuses what is no tensor, and tensors that were disposed: a clone may still hold their values. */
function checkTensors(
  { name, optional }: AnyOp,
  inputs: Record<string, TensorInfo | null | undefined>,
): void {
  for (const key of Object.keys(inputs)) {
    const tensor = inputs[key] as Tensor | null | undefined;
    if (tensor == null && optional?.includes(key)) continue;
    checkType(
      tensor?.dataId !== undefined,
      () => `${name}: expected input "${key}" to be a tensor, got ${kindOf(tensor)}`,
    );
    check(
      !tensor.isDisposed,
      () =>
        `${name}: input "${key}" ${showShape(tensor.shape)} is disposed. Keep it (tf.keep), or use it before its tf.tidy ends.`,
    );
  }
}

/** Attributes with the present values of those that are functions. */
function present(attrs: object): object {
  return Object.fromEntries(
    Object.entries(attrs).map(([name, value]) => [name, typeof value === "function" ? value() : value]),
  );
}

/** What a kernel call may use; `workspaces` collects what is to be freed at its end. */
function callOn(backend: GanvilBackend, workspaces: number[]): Call {
  const { executor, heap, planner } = backend;
  const workspace = (bytes: number): number => {
    const ptr = heap.alloc(bytes);
    workspaces.push(ptr);
    return ptr;
  };
  const { recorder } = executor;
  heap.resetArguments();
  return {
    kernels: executor.kernels,
    planner,
    split: (kernel, units, scratchBytes, args) =>
      executor.split(kernel, units, scratchBytes, args, workspace),
    ints: (values) => {
      const argument = recorder === undefined ? heap.argumentInts(values) : undefined;
      if (argument !== undefined) return argument;
      const ptr = workspace(values.length * 4);
      heap.i32(ptr, values.length).set(values);
      recorder?.keep(backend, ptr, values.length * 4);
      return ptr;
    },
    workspace,
    intAt: (ptr, index) => {
      recorder?.refuse("an op read a tensor's values");
      return heap.i32(ptr + 4 * index, 1)[0];
    },
    bytes: (values) => {
      const ptr = workspace(values.length);
      heap.u8(ptr, values.length).set(values);
      recorder?.noteValues(values);
      recorder?.keep(backend, ptr, values.length);
      return ptr;
    },
  };
}

/** Calls an op's kernels; a live op's are chosen again at each replay. */
function compute(
  backend: GanvilBackend,
  op: AnyOp,
  inputs: Record<string, Operand>,
  outputs: readonly Operand[],
  attrs: object,
): void {
  const kernels = op.wasm as Exclude<AnyOp["wasm"], string>;
  const run = () => {
    const workspaces: number[] = [];
    try {
      kernels(callOn(backend, workspaces), inputs, outputs, op.live ? present(attrs) : attrs);
    } finally {
      for (const ptr of workspaces) backend.heap.free(ptr);
    }
  };
  const { executor } = backend;
  const { recorder } = executor;
  if (op.live === true && recorder !== undefined) {
    recorder.act(op.name, () => executor.followed(undefined, run));
  } else {
    run();
  }
}

/** Runs an op's kernel on the backend: infers, allocates, computes. */
export function runOp(
  backend: GanvilBackend,
  op: AnyOp,
  inputs: Record<string, TensorInfo>,
  attrs: object,
): TensorInfo | TensorInfo[] {
  checkTensors(op, inputs);
  const specs = op.infer(inputs, op.live ? present(attrs) : attrs);
  const many = Array.isArray(specs);
  const list: readonly OutputSpec[] = many ? (specs as OutputSpec[]) : [specs as OutputSpec];
  if (op.wasm === "alias") {
    const source = Object.values(inputs)[0];
    backend.incRef(source.dataId);
    return { dataId: source.dataId, shape: [...list[0].shape], dtype: list[0].dtype ?? source.dtype };
  }
  if (op.wasm === "composed") return engine().tidy(() => op.compose!(inputs as never, attrs));
  const { recorder } = backend.executor;
  const operand = (tensor: TensorInfo): Operand => {
    const ptr = backend.ptr(tensor);
    recorder?.use(tensor, ptr);
    return { ptr, shape: tensor.shape, dtype: tensor.dtype, size: util.sizeFromShape(tensor.shape) };
  };
  const outputs: TensorInfo[] = [];
  try {
    for (const { shape, dtype } of list) outputs.push(backend.makeOutput(shape, dtype ?? "float32"));
    const operands: Record<string, Operand> = {};
    for (const name of Object.keys(inputs)) {
      if (inputs[name] != null) operands[name] = operand(inputs[name]);
    }
    compute(backend, op, operands, outputs.map(operand), attrs);
  } catch (error) {
    for (const { dataId } of outputs) backend.disposeData(dataId);
    throw error;
  }
  return many ? outputs : outputs[0];
}
