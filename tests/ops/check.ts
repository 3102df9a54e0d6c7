import * as tf from "@tensorflow/tfjs-core";
import { backendName, type HeapMemory } from "../../src/backend/backend.ts";
import { settled } from "../../src/backend/compile.ts";
import { type Nd, nd, sizeOf } from "../reference/nd.ts";
import type { InputSpec, OpCase } from "./case.ts";

/** Small deterministic generator (mulberry32) for test data, in [0, 1). */
export function random(seed: string | number): () => number {
  let state = 0x9e3779b9;
  for (const char of String(seed)) state = Math.imul(state ^ char.charCodeAt(0), 0x85ebca6b) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function fillInput(spec: InputSpec, next: () => number): Nd {
  if (spec.values !== undefined) return nd(spec.shape, spec.values);
  const [low, high] = spec.range ?? [-1, 1];
  const away = spec.away ?? 0;
  const data = Float64Array.from({ length: sizeOf(spec.shape) }, () => {
    const value = low + (high - low) * next();
    if (spec.dtype === "int32" || spec.dtype === "bool") return Math.floor(value);
    return Math.fround(Math.abs(value) < away ? value + Math.sign(value || 1) * away : value);
  });
  return nd(spec.shape, data);
}

const toTensor = (x: Nd, spec: InputSpec): tf.Tensor =>
  tf.tensor(
    spec.dtype === "int32" ? Int32Array.from(x.data) : Float32Array.from(x.data),
    [...x.shape],
    spec.dtype,
  );

/** Throws where `actual` differs from `expected` by more than `tolerance` of the largest expected value. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
) {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: expected ${expected.length} elements, got ${actual.length}`);
  }
  let scale = 1e-3;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) scale = Math.max(scale, Math.abs(expected[i]));
  }
  for (let i = 0; i < expected.length; i++) {
    const same = Object.is(actual[i], expected[i]) || (Number.isNaN(actual[i]) && Number.isNaN(expected[i]));
    if (same || Math.abs(actual[i] - expected[i]) <= tolerance * scale) continue;
    throw new Error(
      `${what}: element ${i} is ${actual[i]}, expected ${expected[i]} (tolerance ${(tolerance * scale).toExponential(1)})`,
    );
  }
}

/** Everything a case states, prepared once. */
class Prepared {
  readonly op: OpCase;
  readonly inputs: Nd[];
  readonly differentiable: readonly number[];
  readonly expected: Nd;
  readonly weight: Nd;
  readonly next: () => number;

  constructor(op: OpCase) {
    this.op = op;
    this.next = random(op.name);
    this.inputs = op.inputs.map((spec) => fillInput(spec, this.next));
    this.expected = op.reference(...this.inputs);
    this.weight = this.randomLike(this.expected);
    this.differentiable =
      op.gradient ?? op.inputs.flatMap(({ dtype }, i) => ((dtype ?? "float32") === "float32" ? [i] : []));
  }

  get tolerance(): number {
    return this.op.tolerance ?? 2e-6 * (2 + Math.sqrt(this.op.reduction ?? 1));
  }

  tensors(): tf.Tensor[] {
    return this.inputs.map((x, i) => toTensor(x, this.op.inputs[i]));
  }

  randomLike({ shape }: Nd): Nd {
    return nd(
      shape,
      Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(this.next() * 2 - 1)),
    );
  }

  /** L = Σ w·(y + y²/2): it bends even where the op is linear, so that second derivatives are not void. */
  referenceLoss(inputs: Nd[]): number {
    const y = this.op.reference(...inputs);
    return y.data.reduce((sum, value, i) => sum + this.weight.data[i] * (value + (value * value) / 2), 0);
  }

  loss(inputs: tf.Tensor[]): tf.Scalar {
    const y = this.op.run(...inputs);
    const weight = tf.tensor(Float32Array.from(this.weight.data), [...this.weight.shape]);
    return tf.sum(tf.mul(weight, tf.add(y, tf.mul(tf.mul(y, y), 0.5))));
  }

  /** The loss as a function of the differentiable inputs only. */
  lossOf(all: tf.Tensor[]): (...chosen: tf.Tensor[]) => tf.Scalar {
    return (...chosen) => {
      const inputs = [...all];
      for (const [position, i] of this.differentiable.entries()) inputs[i] = chosen[position];
      return this.loss(inputs);
    };
  }

  /** At most 24 elements of an input: all of a small one, else spread at random. */
  sampled(size: number): number[] {
    if (size <= 24) return Array.from({ length: size }, (_, i) => i);
    return Array.from({ length: 24 }, () => Math.floor(this.next() * size));
  }
}

const nudge = (inputs: Nd[], which: number, element: number, by: number): Nd[] =>
  inputs.map((x, i) => {
    if (i !== which) return x;
    const moved = nd(x.shape, x.data);
    moved.data[element] += by;
    return moved;
  });

const moveAlong = (inputs: Nd[], directions: readonly (Nd | undefined)[], by: number): Nd[] =>
  inputs.map((x, i) => {
    const direction = directions[i];
    if (direction === undefined) return x;
    return nd(
      x.shape,
      x.data.map((value, j) => value + by * direction.data[j]),
    );
  });

/** The op's result equals the float64 reference, in shape and value. */
export async function checkForward(op: OpCase): Promise<void> {
  const prepared = new Prepared(op);
  const y = tf.tidy(() => op.run(...prepared.tensors()));
  if (y.shape.join() !== prepared.expected.shape.join()) {
    throw new Error(`${op.name}: expected shape [${prepared.expected.shape}], got [${y.shape}]`);
  }
  expectClose(op.name, await y.data(), prepared.expected.data, prepared.tolerance);
  y.dispose();
}

/** First derivatives equal central differences of the float64 reference. */
export async function checkGradient(op: OpCase): Promise<void> {
  const prepared = new Prepared(op);
  const gradients = tf.tidy(() => {
    const all = prepared.tensors();
    return tf.grads(prepared.lossOf(all))(prepared.differentiable.map((i) => all[i]));
  });
  for (const [position, i] of prepared.differentiable.entries()) {
    const actual = await gradients[position].data();
    const elements = prepared.sampled(actual.length);
    const h = 1e-5;
    const expected = elements.map(
      (element) =>
        (prepared.referenceLoss(nudge(prepared.inputs, i, element, h)) -
          prepared.referenceLoss(nudge(prepared.inputs, i, element, -h))) /
        (2 * h),
    );
    const chosen = elements.map((element) => actual[element]);
    expectClose(`${op.name}: gradient of input ${i}`, chosen, expected, 5 * prepared.tolerance + 1e-6);
  }
  tf.dispose(gradients);
}

/** Derivatives of Σ u·∇L equal second differences of the float64 reference. */
export async function checkSecondGradient(op: OpCase): Promise<void> {
  const prepared = new Prepared(op);
  const directions = prepared.inputs.map((x, i) =>
    prepared.differentiable.includes(i) ? prepared.randomLike(x) : undefined,
  );
  const second = tf.tidy(() => {
    const all = prepared.tensors();
    const inner = tf.grads(prepared.lossOf(all));
    const along = (...chosen: tf.Tensor[]): tf.Scalar => {
      const products = inner(chosen).map((g, position) => {
        const u = directions[prepared.differentiable[position]]!;
        return tf.sum(tf.mul(g, tf.tensor(Float32Array.from(u.data), [...u.shape])));
      });
      return tf.addN(products) as tf.Scalar;
    };
    return tf.grads(along)(prepared.differentiable.map((i) => all[i]));
  });
  const h = 1e-3;
  const slope = (inputs: Nd[]): number =>
    (prepared.referenceLoss(moveAlong(inputs, directions, h)) -
      prepared.referenceLoss(moveAlong(inputs, directions, -h))) /
    (2 * h);
  for (const [position, i] of prepared.differentiable.entries()) {
    const actual = await second[position].data();
    const elements = prepared.sampled(actual.length);
    const expected = elements.map(
      (element) =>
        (slope(nudge(prepared.inputs, i, element, h)) - slope(nudge(prepared.inputs, i, element, -h))) /
        (2 * h),
    );
    const chosen = elements.map((element) => actual[element]);
    expectClose(
      `${op.name}: second gradient of input ${i}`,
      chosen,
      expected,
      20 * prepared.tolerance + 1e-5,
    );
  }
  tf.dispose(second);
}

/** Tensors, data and bytes in the heap and on the GPU are after `work` what they were before. */
export async function checkNoLeak(work: () => Promise<void>): Promise<void> {
  const state = () => {
    const { numTensors, numDataBuffers, ...memory } = tf.memory() as tf.MemoryInfo & Partial<HeapMemory>;
    const { heapBytesInUse, gpuBytesInUse } = memory;
    return JSON.stringify({ numTensors, numDataBuffers, heapBytesInUse, gpuBytesInUse });
  };
  const before = state();
  await work();
  if (tf.getBackend() === backendName) await settled();
  if (state() !== before) throw new Error(`leak: before ${before}, after ${state()}`);
}
