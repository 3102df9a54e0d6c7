import {
  type DataType,
  engine,
  type NamedAttrMap,
  type Tensor,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import type { Kernels } from "../wasm/generated/kernels.ts";
import type { Planner } from "../wasm/planner.ts";
import type { Arithmetic } from "../webgpu/arithmetic.ts";
import type { GpuOperand, Shader } from "../webgpu/shader.ts";

/** A tensor as a kernel sees it. */
export interface Operand {
  readonly ptr: number;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Number of elements. */
  readonly size: number;
}

/** What an op's result looks like; dtype defaults to float32. */
export interface OutputSpec<Plan = undefined> {
  readonly shape: readonly number[];
  readonly dtype?: DataType;
  /** What `infer` worked out beside the shape and `wasm` needs too; that of the first result counts. */
  readonly plan?: Plan;
}

/** What one kernel call may use beside its operands. All of it is gone when the call ends. */
export interface Call {
  readonly kernels: Kernels;
  /**
   * Runs the units [0, units) of a kernel whose last three parameters are `scratch, from, to`: it computes the
   * units from `from` to before `to`, which depend on no other unit, with scratch memory of its own.
   */
  split(kernel: keyof Kernels, units: number, scratchBytes: number, args: readonly number[]): void;
  /**
   * Runs a kernel over its items piece by piece, as if each piece were all there is: for a kernel whose items
   * depend on no other. `args[counted]` is the number of items, of which a piece has at most `unit`; the
   * arguments grow by `steps` (default 0) from piece to piece.
   */
  sweep(
    kernel: keyof Kernels,
    args: readonly number[],
    counted: number,
    unit: number,
    steps: readonly number[],
  ): void;
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

/** What one op's shader calls may use beside its operands. All of it is gone when the op ends. */
export interface GpuCall {
  /** What products may be multiplied by. */
  readonly arithmetic: Arithmetic;
  readonly limits: GPUSupportedLimits;
  /** What convolutions may do. */
  readonly planner: Planner;
  /** Runs a shader after all that came before. One with a 0 among its workgroups does nothing. */
  run(shader: Shader): void;
  /** Memory for so many elements, contents undefined; dtype float32 unless said. */
  workspace(size: number, dtype?: DataType): GpuOperand;
  /** Values from JavaScript, which must be the same in each run of a captured step: tables, bytes by four as int32. */
  values(values: Float32Array | Int32Array | Uint8Array): GpuOperand;
  /** to = from, element by element. */
  copy(from: GpuOperand, to: GpuOperand): void;
  /** Sets every element to 0. */
  clear(operand: GpuOperand): void;
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
  Plan = undefined,
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
  ): OutputSpec<Plan> | readonly OutputSpec<Plan>[];
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
        plan: Plan,
      ) => void);
  /**
   * Computes the results on the GPU; absent: it has no shader. As in `wasm`, but of blocks of the GPU's memory. A bool
   * takes four bytes there.
   */
  readonly webgpu?: (
    call: GpuCall,
    inputs: Named<Names, GpuOperand> & Partial<Named<Optional, GpuOperand>>,
    outputs: readonly GpuOperand[],
    attrs: Attrs,
    plan: Plan,
  ) => void;
  /** Inputs that `webgpu` binds as one buffer where they lie in one: they are laid end to end if they can be. */
  together?(attrs: Attrs): readonly string[];
  /** False for what `webgpu` does not take. Default: it takes all. */
  onGpu?(inputs: Named<Names, Shaped> & Partial<Named<Optional, Shaped>>, attrs: Attrs): boolean;
  /** Inputs that are written to, in place. */
  updates?(attrs: Attrs): readonly string[];
  /** Those of `updates` whose former values do not count. */
  overwrites?(attrs: Attrs): readonly string[];
  /** True where the (only) result is zero everywhere: a float32 one is computed when somebody looks at it. */
  zero?(attrs: Attrs): boolean;
  /**
   * The input whose values are those of the (only) result, where there is one: then no kernel runs, unless the
   * result is larger.
   * @param isZero true for a tensor of nothing but zeros, where that is known
   */
  same?(
    inputs: Named<Names, TensorInfo> & Partial<Named<Optional, TensorInfo>>,
    attrs: Attrs,
    isZero: (x: TensorInfo) => boolean,
  ): TensorInfo | undefined;
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
export type AnyOp = Op<any, any, any, any>;

/** Types an op's record. Defining does nothing by itself: `init()` registers the list in ops/index.ts. */
export function defineOp<
  Names extends string,
  Attrs extends object = object,
  Optional extends string = never,
  Plan = undefined,
>(op: Op<Names, Attrs, Optional, Plan>): Op<Names, Attrs, Optional, Plan> {
  return op;
}

/** Calls a registered op by its record; the tape sees it. For an op with one result. */
export function call<Names extends string, Attrs extends object, Optional extends string, Plan>(
  op: Op<Names, Attrs, Optional, Plan>,
  inputs: Named<Names, Tensor> & Partial<Named<Optional, Tensor | undefined>>,
  attrs: Attrs,
): Tensor {
  return engine().runKernel(op.name, inputs as never, attrs as NamedAttrMap) as unknown as Tensor;
}

/** Calls a registered op that gives several results. */
export function callMany<Names extends string, Attrs extends object, Optional extends string, Plan>(
  op: Op<Names, Attrs, Optional, Plan>,
  inputs: Named<Names, Tensor> & Partial<Named<Optional, Tensor | undefined>>,
  attrs: Attrs,
): Tensor[] {
  return engine().runKernel(op.name, inputs as never, attrs as NamedAttrMap) as unknown as Tensor[];
}
