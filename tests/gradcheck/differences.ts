// Runs where Float32Array is Float64Array; see bundle.ts.
import { type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { type Answers, directionsOf, dot } from "./answers.ts";
import { critic, type Extras, type Network, valuesOf } from "./network.ts";

type Values = ReturnType<typeof valuesOf>;

const constant = (values: readonly number[], shape: number[]): Tensor =>
  tensor(Float32Array.from(values), shape);

const moved = (values: readonly number[], direction: readonly number[], by: number): number[] =>
  values.map((value, i) => value + by * direction[i]);

/** `values` with one tensor moved along a direction. */
const withMoved = (values: Values, name: string, direction: readonly number[], by: number): Values =>
  name === "x"
    ? { ...values, x: moved(values.x, direction, by) }
    : { ...values, weights: { ...values.weights, [name]: moved(values.weights[name], direction, by) } };

/**
 * Derivatives by central differences of float64 values: those of D, and those of ‖∇ₓD‖² as 2·∂/∂w of the
 * slope of D along v = ∇ₓD, v held fixed.
 * @throws Error where two step widths disagree: some kink (a maximum's tie, a zero of relu) is too near.
 */
export function differences(network: Network, extras: Extras): Answers {
  const names = Object.keys(network.weights);
  const start = valuesOf(network);
  const result = ({ x, weights }: Values): Tensor =>
    network.run(
      constant(x, [...network.x]),
      Object.fromEntries(names.map((name) => [name, constant(weights[name], [...network.weights[name]])])),
      extras,
    );
  const d = (values: Values): number => tidy(() => critic(result(values), constant).dataSync()[0]);
  const slope = (values: Values, name: string, direction: readonly number[], h: number): number =>
    (d(withMoved(values, name, direction, h)) - d(withMoved(values, name, direction, -h))) / (2 * h);
  const sizeOf = (name: string): number => (name === "x" ? start.x : start.weights[name]).length;
  const along = (tensors: readonly string[], f: (name: string, direction: number[]) => number): number[][] =>
    tensors.map((name) => directionsOf(network, name, sizeOf(name)).map((direction) => f(name, direction)));

  const v = start.x.map((_, i) =>
    slope(
      start,
      "x",
      start.x.map((_, j) => (i === j ? 1 : 0)),
      1e-5,
    ),
  );
  const length = Math.sqrt(dot(v, v));
  const unit = v.map((value) => value / length);
  const second = (h: number): number[][] =>
    along(names, (name, direction) => {
      const at = (by: number): number => slope(withMoved(start, name, direction, by), "x", unit, h);
      return (length * (at(h) - at(-h))) / h;
    });
  const [coarse, fine] = [second(4e-4), second(2e-4)];
  const scale = Math.hypot(...fine.flat()) / Math.sqrt(fine.flat().length);
  for (const [i, list] of fine.entries()) {
    for (const [j, value] of list.entries()) {
      if (Math.abs(value - coarse[i][j]) < 2e-5 * scale) continue;
      throw new Error(
        `${network.name}: central differences by ${names[i]} disagree, ${coarse[i][j]} and ${value}: another name gives other values`,
      );
    }
  }
  return {
    forward: [tidy(() => Array.from(result(start).dataSync()))],
    first: along(["x", ...names], (name, direction) => slope(start, name, direction, 1e-5)),
    second: fine,
  };
}
