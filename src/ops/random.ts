import type { Tensor } from "@tensorflow/tfjs-core";
import { itemsPerPiece } from "../backend/executor.ts";
import { type Call, call, defineOp, type GpuCall, type Live, type Operand } from "../backend/op.ts";
import { check, checkShape } from "../errors.ts";
import { type Key, words } from "../random.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { drawBody, drawDeclarations } from "./threefry.wgsl.ts";

interface Draw {
  shape: readonly number[];
  key: Key;
  offset: number;
}

function checkDraw(name: string, { shape, key, offset }: Draw): void {
  checkShape(name, shape);
  check(
    Number.isSafeInteger(offset) && offset >= 0,
    () => `${name}: expected offset to be an integer of at least 0, got ${offset}`,
  );
  check(
    Array.isArray(key) && key.length === 2 && key.every((word) => word >>> 0 === word),
    () => `${name}: expected a key of two uint32, got [${key}]. Make one with deriveKey(seed, purpose).`,
  );
}

/** Draws y's elements: y[i] = a + b·(element `offset` + i of the key's sequence). */
function drawInto(
  { kernels, sweep, workspace }: Call,
  kernel: "randomUniform" | "randomNormal",
  y: Operand,
  { key, offset }: Draw,
  a: number,
  b: number,
): void {
  // Element `offset` is word `odd` of the counter.
  const [low, high] = words(Math.floor(offset / 2));
  const args = [y.ptr, y.size, key[0], key[1], low, high, offset % 2, a, b] as const;
  // A number takes about four times as long as a sum. Pieces are of whole counters.
  const unit = 8 * itemsPerPiece(Math.ceil(y.size / 8), 32);
  if (y.size <= unit || low + y.size / 2 >= 2 ** 32) {
    kernels[kernel](...args, workspace(64));
    return;
  }
  const scratch = workspace(64 * Math.ceil(y.size / unit));
  sweep(kernel, [...args, scratch], 1, unit, [4 * unit, 0, 0, 0, unit / 2, 0, 0, 0, 0, 64]);
}

/** The same on the GPU. The number of threads does not depend on the offset, which changes from replay to replay. */
function drawOnGpu(
  call: GpuCall,
  kernel: "randomUniform" | "randomNormal",
  y: GpuOperand,
  { key, offset }: Draw,
  a: number,
  b: number,
): void {
  if (y.size === 0) return;
  const [low, high] = words(Math.floor(offset / 2));
  call.run({
    ...{ name: kernel, write: { y }, elements: Math.floor(y.size / 2) + 1 },
    words: { key0: key[0], key1: key[1], low, high, odd: offset % 2, size: y.size, zero: 0 },
    floats: { a, b },
    declarations: () => drawDeclarations(kernel === "randomNormal"),
    body: () => drawBody,
  });
}

export const uniform = defineOp<never, Draw & { low: number; high: number }>({
  name: "GanvilRandomUniform",
  inputs: [],
  live: true,
  infer: (_, attrs) => {
    checkDraw("randomUniform", attrs);
    const { low, high } = attrs;
    check(
      Number.isFinite(high - low) && low <= high,
      () => `randomUniform: expected finite low <= high, got ${low} and ${high}`,
    );
    return { shape: attrs.shape };
  },
  wasm: (context, _, [y], { low, high, ...draw }) =>
    drawInto(context, "randomUniform", y, draw, low, high - low),
  // Rounded as Wasm does: the range first, then its 2²⁴th part, which is exact.
  webgpu: (context, _, [y], { low, high, ...draw }) =>
    drawOnGpu(context, "randomUniform", y, draw, low, Math.fround(high - low) / 2 ** 24),
});

export const normal = defineOp<never, Draw & { mean: number; std: number }>({
  name: "GanvilRandomNormal",
  inputs: [],
  live: true,
  infer: (_, attrs) => {
    checkDraw("randomNormal", attrs);
    const { mean, std } = attrs;
    check(
      Number.isFinite(mean) && Number.isFinite(std) && std >= 0,
      () => `randomNormal: expected a finite mean and a finite std of at least 0, got ${mean} and ${std}`,
    );
    return { shape: attrs.shape };
  },
  wasm: (context, _, [y], { mean, std, ...draw }) => drawInto(context, "randomNormal", y, draw, mean, std),
  webgpu: (context, _, [y], { mean, std, ...draw }) => drawOnGpu(context, "randomNormal", y, draw, mean, std),
});

export interface UniformOptions {
  readonly key: Live<Key>;
  /** Default 0. */
  readonly low?: number;
  /** Default 1. */
  readonly high?: number;
  /** Elements of the key's sequence to pass over; default 0. */
  readonly offset?: number;
}

/**
 * float32 of the shape, uniform in [low, high) up to rounding; the same bits in every build.
 *
 * Element i is low + (high − low)·⌊w/2⁸⌋/2²⁴, where with n = offset + i the word w is number n mod 2 of
 * `threefry(key, ...words(⌊n/2⌋))`.
 * @throws RangeError for a key that is not two uint32, a negative offset, or low above high.
 */
export function randomUniform(
  shape: readonly number[],
  { key, low = 0, high = 1, offset = 0 }: UniformOptions,
): Tensor {
  return call(uniform, {}, { shape, key: key as Key, low, high, offset });
}

export interface NormalOptions {
  readonly key: Live<Key>;
  /** Default 0. */
  readonly mean?: number;
  /** Default 1. */
  readonly std?: number;
  /** Elements of the key's sequence to pass over; default 0. */
  readonly offset?: number;
}

/**
 * float32 of the shape, normal with that mean and standard deviation; the same bits in every build.
 *
 * Element i is mean + std·z, with n = offset + i, the words w₀, w₁ of `threefry(key, ...words(⌊n/2⌋))`,
 * r = √(−2 ln((w₀ + ½)/2³²)), and z = r·cos(2πw₁/2³²) for even n, r·sin(2πw₁/2³²) for odd n (Box and Muller
 * 1958); |z| ≤ 6.8.
 * @throws RangeError for a key that is not two uint32, a negative offset or std.
 */
export function randomNormal(
  shape: readonly number[],
  { key, mean = 0, std = 1, offset = 0 }: NormalOptions,
): Tensor {
  return call(normal, {}, { shape, key: key as Key, mean, std, offset });
}
