import { dispose, type Tensor, tensor, type Variable, variable } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { Adam } from "../../src/optim/adam.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

function variableOf(values: ArrayLike<number>): Variable {
  const initial = tensor(Float32Array.from(values));
  const made = variable(initial);
  initial.dispose();
  return made;
}

/** Adam in float64, step by step as in the paper's algorithm 1. */
class Reference {
  readonly p: number[];
  readonly m: number[];
  readonly v: number[];
  t = 0;

  constructor(values: ArrayLike<number>) {
    this.p = [...Array.from(values)];
    this.m = this.p.map(() => 0);
    this.v = this.p.map(() => 0);
  }

  step(g: ArrayLike<number>, rate: number, beta1: number, beta2: number, epsilon: number): void {
    this.t++;
    for (let i = 0; i < this.p.length; i++) {
      this.m[i] = beta1 * this.m[i] + (1 - beta1) * g[i];
      this.v[i] = beta2 * this.v[i] + (1 - beta2) * g[i] ** 2;
      const mHat = this.m[i] / (1 - beta1 ** this.t);
      const vHat = this.v[i] / (1 - beta2 ** this.t);
      this.p[i] -= (rate * mHat) / (Math.sqrt(vHat) + epsilon);
    }
  }
}

const drawn = (length: number, next: () => number) =>
  Float32Array.from({ length }, () => Math.fround(2 * next() - 1));

describe("Adam", () => {
  it.each([0, 1, 3, 4, 5, 17, 1000])(
    "equals the float64 algorithm over eight steps of %d parameters",
    (size) =>
      checkNoLeak(async () => {
        const next = random(size);
        const start = drawn(size, next);
        const reference = new Reference(start);
        const w = variableOf(start);
        const adam = new Adam({ learningRate: 0.1, beta1: 0.5, beta2: 0.9, epsilon: 1e-3 });
        for (let step = 1; step <= 8; step++) {
          const rate = 0.1 / step;
          const g = drawn(size, next);
          const gradient = tensor(g);
          adam.apply({ w }, { w: gradient }, rate);
          gradient.dispose();
          reference.step(g, rate, 0.5, 0.9, 1e-3);
        }
        expect(adam.step).toBe(8);
        expectClose("parameters", await w.data(), reference.p, 1e-6);
        expectClose("first moments", await adam.tensors["first/w"].data(), reference.m, 1e-6);
        expectClose("second moments", await adam.tensors["second/w"].data(), reference.v, 1e-6);
        adam.dispose();
        w.dispose();
      }),
  );

  it("takes a first step of the learning rate against the gradient's sign", async () => {
    const w = variableOf([1, 1, 1]);
    const gradient = tensor([1e-3, -5, 100]);
    const adam = new Adam({ learningRate: 0.25 });
    adam.apply({ w }, { w: gradient });
    expectClose("w", await w.data(), [0.75, 1.25, 0.75], 2e-5);
    adam.dispose();
    dispose([w, gradient]);
  });

  it("leaves clones of a parameter as they were, and writes in place where there is none", async () => {
    const w = variableOf([1, 2, 3, 4, 5]);
    const gradient = tensor([1, 1, 1, 1, 1]);
    const adam = new Adam({ learningRate: 0.5 });
    const clone = w.clone();
    adam.apply({ w }, { w: gradient });
    expect([...(await clone.data())]).toEqual([1, 2, 3, 4, 5]);
    expectClose("w", await w.data(), [0.5, 1.5, 2.5, 3.5, 4.5], 1e-6);
    const { dataId } = w;
    adam.apply({ w }, { w: gradient });
    expect(w.dataId).toBe(dataId);
    adam.dispose();
    dispose([w, gradient, clone]);
  });

  it("goes on from a saved state exactly as without a break", async () => {
    const next = random("resume");
    const start = drawn(9, next);
    const gradients = Array.from({ length: 6 }, () => tensor(drawn(9, next)));
    const steps = (adam: Adam, w: Variable, from: Tensor[]) => {
      for (const gradient of from) adam.apply({ w }, { w: gradient });
    };
    const whole = new Adam({ learningRate: 0.1 });
    const [a, b] = [variableOf(start), variableOf(start)];
    steps(whole, a, gradients);
    const first = new Adam({ learningRate: 0.1 });
    steps(first, b, gradients.slice(0, 2));
    const second = new Adam({ learningRate: 0.1 });
    second.restore(first.step, first.tensors);
    first.dispose();
    steps(second, b, gradients.slice(2));
    expect([...(await b.data())]).toEqual([...(await a.data())]);
    whole.dispose();
    second.dispose();
    dispose([a, b, ...gradients]);
  });

  it("updates nothing when a gradient is missing or of another shape", async () => {
    const [a, b] = [variableOf([1, 2]), variableOf([3])];
    const gradient = tensor([1, 1]);
    const adam = new Adam({ learningRate: 0.1 });
    expect(() => adam.apply({ a, b }, { a: gradient })).toThrow('expected a gradient for "b", got none');
    expect(() => adam.apply({ a, b }, { a: gradient, b: gradient })).toThrow(
      'the gradient of "b" to have its shape [1], got [2]',
    );
    expect([...(await a.data())]).toEqual([1, 2]);
    expect(adam.step).toBe(0);
    dispose([a, b, gradient]);
  });
});
