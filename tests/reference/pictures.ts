import { build, type Nd, offsetOf } from "./nd.ts";

/** Windows of one axis: first index of each (before cutting), their number. */
export interface Windows {
  readonly count: number;
  readonly first: (i: number) => number;
  readonly length: number;
}

export const windows = (count: number, length: number, stride: number, before: number): Windows => ({
  count,
  length,
  first: (i) => i * stride - before,
});

/** `reduce` over each window of pictures [N, H, W, C], cut to the picture. */
export const pooled = (x: Nd, rows: Windows, cols: Windows, reduce: (values: number[]) => number): Nd => {
  const [n, height, width, channels] = x.shape;
  return build([n, rows.count, cols.count, channels], ([b, r, c, ch]) => {
    const values: number[] = [];
    for (let i = Math.max(0, rows.first(r)); i < Math.min(height, rows.first(r) + rows.length); i++) {
      for (let j = Math.max(0, cols.first(c)); j < Math.min(width, cols.first(c) + cols.length); j++) {
        values.push(x.data[offsetOf(x.shape, [b, i, j, ch])]);
      }
    }
    return reduce(values);
  });
};

export type PixelConvention = "corners" | "half" | "index";

/** Where pixel `i` of a result of `to` pixels lies among `from` source pixels, counted from their centres. */
function place(i: number, from: number, to: number, convention: PixelConvention): number {
  if (convention === "corners" && to > 1) return (i * (from - 1)) / (to - 1);
  return convention === "half" ? ((i + 0.5) * from) / to - 0.5 : (i * from) / to;
}

export const resizedBilinear = (
  x: Nd,
  [h, w]: readonly [number, number],
  convention: PixelConvention,
): Nd => {
  const [n, height, width, channels] = x.shape;
  return build([n, h, w, channels], ([b, r, c, ch]) => {
    const y = Math.min(height - 1, Math.max(0, place(r, height, h, convention)));
    const z = Math.min(width - 1, Math.max(0, place(c, width, w, convention)));
    let sum = 0;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const weight = Math.max(0, 1 - Math.abs(i - y)) * Math.max(0, 1 - Math.abs(j - z));
        if (weight > 0) sum += weight * x.data[offsetOf(x.shape, [b, i, j, ch])];
      }
    }
    return sum;
  });
};

export const resizedNearest = (x: Nd, [h, w]: readonly [number, number], convention: PixelConvention): Nd => {
  const [n, height, width, channels] = x.shape;
  const nearest = (i: number, from: number, to: number): number => {
    const at = place(i, from, to, convention);
    return Math.min(from - 1, convention === "index" ? Math.floor(at) : Math.round(at));
  };
  return build(
    [n, h, w, channels],
    ([b, r, c, ch]) => x.data[offsetOf(x.shape, [b, nearest(r, height, h), nearest(c, width, w), ch])],
  );
};
