import { build, type Nd, nd, offsetOf, sizeOf } from "./nd.ts";

/** The array of this shape whose element at an index is that of `x` at `from(index)`. */
export const pick = (x: Nd, shape: readonly number[], from: (index: readonly number[]) => number[]): Nd =>
  build(shape, (index) => x.data[offsetOf(x.shape, from(index))]);

/** `pick` where an index beyond `x` gives `otherwise`. */
export const pickOr = (
  x: Nd,
  shape: readonly number[],
  from: (index: readonly number[]) => number[],
  otherwise: number,
): Nd =>
  build(shape, (index) => {
    const at = from(index);
    return at.every((i, axis) => i >= 0 && i < x.shape[axis]) ? x.data[offsetOf(x.shape, at)] : otherwise;
  });

/** Arrays joined along an axis. */
export function concatenate(list: readonly Nd[], axis: number): Nd {
  const shape = [...list[0].shape];
  shape[axis] = list.reduce((sum, x) => sum + x.shape[axis], 0);
  return build(shape, (index) => {
    let i = index[axis];
    let which = 0;
    while (i >= list[which].shape[axis]) i -= list[which++].shape[axis];
    const { shape: part, data } = list[which];
    return data[
      offsetOf(
        part,
        index.map((n, a) => (a === axis ? i : n)),
      )
    ];
  });
}

export const reshaped = (x: Nd, shape: readonly number[]): Nd => nd(shape, x.data);

/** Distinct values in [-1, 1), in an order without pattern, so that no maximum is near a tie. */
export function spread(shape: readonly number[]): number[] {
  const n = sizeOf(shape);
  let step = 37;
  while (n % step === 0) step += 2;
  return Array.from({ length: n }, (_, i) => Math.fround(((((i + 1) * step) % n) / n) * 2 - 1));
}
