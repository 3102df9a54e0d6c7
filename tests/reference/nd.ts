/** A float64 array with a shape, row-major: what the readable references compute on. */
export interface Nd {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function nd(shape: readonly number[], data?: ArrayLike<number>): Nd {
  const values = new Float64Array(sizeOf(shape));
  if (data !== undefined) values.set(data);
  return { shape: [...shape], data: values };
}

/** Elements to the next index along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** Every index of a shape, row-major. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const index = new Array<number>(shape.length).fill(0);
  for (let n = sizeOf(shape); n > 0; n--) {
    yield index;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

export const offsetOf = (shape: readonly number[], index: readonly number[]): number => {
  let offset = 0;
  for (const [axis, i] of index.entries()) offset = offset * shape[axis] + i;
  return offset;
};

/** Element of `x` at an index of a broader shape (NumPy broadcasting). */
export function broadcastAt(x: Nd, index: readonly number[]): number {
  const skip = index.length - x.shape.length;
  return x.data[
    offsetOf(
      x.shape,
      x.shape.map((n, axis) => (n === 1 ? 0 : index[axis + skip])),
    )
  ];
}

/** Builds an array from a function of the index. */
export function build(shape: readonly number[], at: (index: readonly number[]) => number): Nd {
  const y = nd(shape);
  let i = 0;
  for (const index of indices(shape)) y.data[i++] = at(index);
  return y;
}

/** Shape that two shapes broadcast to. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const m = a[axis - rank + a.length] ?? 1;
    const n = b[axis - rank + b.length] ?? 1;
    return m === 1 ? n : m;
  });
}
