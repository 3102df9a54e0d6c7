import { grad, grads, mul, sum, type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { directionsOf, dot, type Outcome } from "./answers.ts";
import { critic, type Extras, type Network, valuesOf } from "./network.ts";

const constant = (values: readonly number[], shape: number[]): Tensor =>
  tensor(Float32Array.from(values), shape);

function attempt<T>(work: () => T): T | { failed: string } {
  try {
    return tidy(work as () => never);
  } catch (error) {
    return { failed: (error as Error).message };
  }
}

/** Evaluates a network on the current backend: values, gradient, and the gradient of ‖∇ₓD(x)‖² by differentiating twice. */
export function evaluate(network: Network, extras: Extras): Outcome {
  const names = Object.keys(network.weights);
  const values = valuesOf(network);
  const start = (): { x: Tensor; weights: Tensor[] } => ({
    x: constant(values.x, [...network.x]),
    weights: names.map((name) => constant(values.weights[name], [...network.weights[name]])),
  });
  const run = (x: Tensor, weights: readonly Tensor[]): Tensor =>
    network.run(x, Object.fromEntries(names.map((name, i) => [name, weights[i]])), extras);
  const d = (x: Tensor, ...weights: Tensor[]): Tensor => critic(run(x, weights), constant);
  const along = (tensors: readonly string[], gradients: readonly Tensor[]): number[][] =>
    gradients.map((gradient, i) => {
      const slopes = gradient.dataSync();
      return directionsOf(network, tensors[i], slopes.length).map((direction) => dot(slopes, direction));
    });
  return {
    forward: attempt(() => {
      const { x, weights } = start();
      return [Array.from(run(x, weights).dataSync())];
    }),
    first: attempt(() => {
      const { x, weights } = start();
      return along(["x", ...names], grads(d)([x, ...weights]));
    }),
    second: attempt(() => {
      const { x, weights } = start();
      const penalty = (...w: Tensor[]): Tensor => {
        const slope = grad((at: Tensor) => d(at, ...w))(x);
        return sum(mul(slope, slope));
      };
      return along(names, grads(penalty)(weights));
    }),
  };
}
