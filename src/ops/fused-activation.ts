import { add, type Tensor, zerosLike } from "@tensorflow/tfjs-core";
import { call, callMany, defineOp, type GpuCall, type Op } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { type ActivationOptions, slopeOf } from "./activation.ts";
import { sameShape } from "./broadcast.ts";
import { elementwise } from "./elementwise.wgsl.ts";
import { checkFloats } from "./operand.ts";
import { reduceOnGpu } from "./reduce.wgsl.ts";

/** gain·v where v > 0, else gain·slope·v. */
interface Attrs {
  slope: number;
  gain: number;
}

type Shaped = { readonly shape: readonly number[]; readonly dtype: string };

function inferLike(tensors: { x: Shaped; bias?: Shaped; dy?: Shaped }) {
  const { x, bias, dy } = tensors;
  const present = Object.entries(tensors).filter(([, tensor]) => tensor != null) as [string, Shaped][];
  checkFloats("biasActivation", Object.fromEntries(present));
  check(
    bias == null || (bias.shape.length === 1 && bias.shape[0] === x.shape.at(-1)),
    () =>
      `biasActivation: expected bias of shape [${x.shape.at(-1)}], got ${showShape(bias!.shape)} (x ${showShape(x.shape)})`,
  );
  check(
    dy === undefined || sameShape(x.shape, dy.shape),
    () => `biasActivation: expected dy ${showShape(x.shape)}, got ${showShape(dy!.shape)}`,
  );
  return { shape: x.shape };
}

/** A block holds so many bytes. */
const blockBytes = 65536;

/** Rows and channels of x, and how its rows are cut into blocks: few enough that a block's float32 sums are good. */
function blocksOf({ shape, size }: { readonly shape: readonly number[]; readonly size: number }) {
  const channels = shape.at(-1) ?? 1;
  const rows = channels === 0 ? 0 : size / channels;
  const blockRows = 4 * Math.max(1, Math.min(256, Math.floor(blockBytes / (16 * channels))));
  return { rows, channels, blockRows, blocks: Math.ceil(rows / blockRows) };
}

/** Threads of a workgroup of the gradient, rows of its block that each takes at least, and blocks at most. */
const threads = 256;
const fewestTurns = 4;
const mostBlocks = 256;

/** dx, and the sums of its columns: of each block of rows, then of the blocks. */
function gradientWithBias(
  call: GpuCall,
  { x, bias, dy }: { readonly x: GpuOperand; readonly bias: GpuOperand; readonly dy: GpuOperand },
  dx: GpuOperand,
  dbias: GpuOperand,
  { slope, gain }: Attrs,
): void {
  const { rows, channels } = blocksOf(x);
  if (channels === 0) return;
  const wide = channels % 4 === 0;
  const type = wide ? "vec4f" : "f32";
  const columns = wide ? channels / 4 : channels;
  const lanes = Math.min(64, 2 ** Math.ceil(Math.log2(columns)));
  const down = threads / lanes;
  const blockRows = down * Math.max(fewestTurns, Math.ceil(rows / (down * mostBlocks)));
  const blocks = Math.max(1, Math.ceil(rows / blockRows));
  const sums = blocks === 1 ? dbias : call.workspace(blocks * channels);
  call.run({
    name: `fusedActivationGrad ${lanes}`,
    read: { x, bias, dy },
    write: { dx, sums },
    types: { x: type, bias: type, dy: type, dx: type, sums: type },
    words: { rows, columns, blockRows },
    floats: { positive: gain, negative: gain * slope },
    workgroupSize: [threads],
    workgroups: [Math.ceil(columns / lanes), blocks],
    declarations: () => `var<workgroup> totals: array<${type}, ${threads}>;`,
    body: () => `let column = group.x * ${lanes}u + thread % ${lanes}u;
  let inside = column < u.columns;
  if (inside) {
    var total = ${type}();
    let end = min((group.y + 1u) * u.blockRows, u.rows);
    for (var row = group.y * u.blockRows + thread / ${lanes}u; row < end; row += ${down}u) {
      let i = row * u.columns + column;
      let above = x[i] + bias[column] > ${type}();
      let d = dy[i] * select(${type}(u.negative), ${type}(u.positive), above);
      dx[i] = d;
      total += d;
    }
    totals[thread] = total;
  }
  for (var half = ${threads / 2}u; half >= ${lanes}u; half >>= 1u) {
    workgroupBarrier();
    if (thread < half) { totals[thread] += totals[thread + half]; }
  }
  if (thread < ${lanes}u && inside) { sums[group.y * u.columns + column] = totals[thread]; }`,
  });
  if (blocks > 1) reduceOnGpu(call, "sum", sums, dbias, { outer: 1, n: blocks, inner: channels }, 1);
}

/** gain·f(x + bias). */
export const fusedActivation = defineOp<"x", Attrs, "bias">({
  name: "GanvilFusedActivation",
  inputs: ["x", "bias"],
  optional: ["bias"],
  infer: ({ x, bias }) => inferLike({ x, bias }),
  wasm: ({ split }, { x, bias }, [y], { slope, gain }) => {
    const { rows, channels, blockRows, blocks } = blocksOf(x);
    const args = [y.ptr, x.ptr, bias?.ptr ?? 0, rows, channels, blockRows, slope, gain];
    split("fusedActivation", blocks, 0, args);
  },
  webgpu: (context, { x, bias }, [y], { slope, gain }) => {
    const parameters = [gain, gain * slope];
    if (bias) elementwise(context, ["add", "fusedActivation"], [x, bias], y, { parameters });
    else elementwise(context, ["fusedActivation"], [x], y, { parameters });
  },
  gradient: (dy, { x, bias }, attrs) => {
    const [dx, dbias] = callMany(fusedActivationGrad, { x, bias, dy }, attrs);
    return { x: () => dx, bias: () => dbias };
  },
});

/**
 * dx = gain·f'(x + bias)·dy, and with a bias dbias, dx summed over all axes but the last: linear in dy, and
 * piecewise constant in x and bias.
 */
export const fusedActivationGrad: Op<"x" | "dy", Attrs, "bias"> = defineOp<"x" | "dy", Attrs, "bias">({
  name: "GanvilFusedActivationGrad",
  inputs: ["x", "bias", "dy"],
  optional: ["bias"],
  infer: ({ x, bias, dy }) => {
    const dx = inferLike({ x, bias, dy });
    return bias ? [dx, { shape: bias.shape }] : [dx];
  },
  wasm: ({ kernels, split, workspace }, { x, bias, dy }, [dx, dbias], { slope, gain }) => {
    const { rows, channels, blockRows, blocks } = blocksOf(x);
    const sums = bias ? workspace(4 * blocks * channels) : 0;
    const operands = [dx.ptr, sums, x.ptr, bias?.ptr ?? 0, dy.ptr];
    split("fusedActivationGrad", blocks, 0, [...operands, rows, channels, blockRows, slope, gain]);
    if (bias) kernels.sumBlocks(sums, dbias.ptr, blocks, channels);
  },
  webgpu: (context, { x, bias, dy }, [dx, dbias], attrs) => {
    const parameters = [attrs.gain, attrs.gain * attrs.slope];
    if (bias) gradientWithBias(context, { x, bias, dy }, dx, dbias, attrs);
    else elementwise(context, ["fusedActivationGrad"], [x, dy], dx, { parameters });
  },
  gradient: (ddx, { x, bias }, attrs, [, ddbias]) => ({
    x: () => zerosLike(x),
    bias: () => zerosLike(bias!),
    dy: () => callMany(fusedActivationGrad, { x, bias, dy: bias ? add(ddx, ddbias) : ddx }, attrs)[0],
  }),
});

export interface BiasActivationOptions extends ActivationOptions {
  /** Default "leakyRelu". */
  readonly activation?: ActivationOptions["activation"];
  /** Factor of the result; default 1. √2 keeps the variance through a relu. */
  readonly gain?: number;
}

/**
 * gain·activation(x + bias) in one pass over memory; in another its gradients by x and bias.
 * @param x float32 of rank 1 or more, channels last.
 * @param bias float32 [channels], or undefined for none.
 * @throws RangeError where the bias has another size, TypeError for an unknown activation.
 */
export function biasActivation<T extends Tensor>(
  x: T,
  bias: Tensor | undefined,
  options: BiasActivationOptions = {},
): T {
  const { activation = "leakyRelu", alpha, gain = 1 } = options;
  const slope = slopeOf("biasActivation", { activation, alpha });
  return call(fusedActivation, bias ? { x, bias } : { x }, { slope, gain }) as T;
}
