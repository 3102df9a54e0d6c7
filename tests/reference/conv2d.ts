import { type Nd, nd, offsetOf } from "./nd.ts";

/** A convolution as its definition needs it; pads are those before the picture. */
export interface ReferenceConv {
  readonly stride: readonly [number, number];
  readonly padBefore: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

type Visit = (x: number, filter: number, y: number) => void;

/** Visits every product of the definition: offsets of x, filter and y. */
function products(
  xShape: readonly number[],
  filterShape: readonly number[],
  yShape: readonly number[],
  { stride, padBefore, dilation, groups }: ReferenceConv,
  visit: Visit,
): void {
  const [batch, outHeight, outWidth, outChannels] = yShape;
  const [filterHeight, filterWidth, groupIn] = filterShape;
  const groupOut = outChannels / groups;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let r = 0; r < filterHeight; r++)
          for (let s = 0; s < filterWidth; s++) {
            const h = i * stride[0] + r * dilation[0] - padBefore[0];
            const w = j * stride[1] + s * dilation[1] - padBefore[1];
            if (h < 0 || h >= xShape[1] || w < 0 || w >= xShape[2]) continue;
            for (let o = 0; o < outChannels; o++)
              for (let c = 0; c < groupIn; c++) {
                const channel = Math.floor(o / groupOut) * groupIn + c;
                visit(
                  offsetOf(xShape, [n, h, w, channel]),
                  offsetOf(filterShape, [r, s, c, o]),
                  offsetOf(yShape, [n, i, j, o]),
                );
              }
          }
}

/** y of x and filter. */
export function conv2d(x: Nd, filter: Nd, yShape: readonly number[], conv: ReferenceConv): Nd {
  const y = nd(yShape);
  products(x.shape, filter.shape, yShape, conv, (xi, fi, yi) => {
    y.data[yi] += x.data[xi] * filter.data[fi];
  });
  return y;
}

/** dx of dy and filter. */
export function conv2dInput(dy: Nd, filter: Nd, xShape: readonly number[], conv: ReferenceConv): Nd {
  const dx = nd(xShape);
  products(xShape, filter.shape, dy.shape, conv, (xi, fi, yi) => {
    dx.data[xi] += dy.data[yi] * filter.data[fi];
  });
  return dx;
}

/** dFilter of x and dy. */
export function conv2dFilter(x: Nd, dy: Nd, filterShape: readonly number[], conv: ReferenceConv): Nd {
  const dFilter = nd(filterShape);
  products(x.shape, filterShape, dy.shape, conv, (xi, fi, yi) => {
    dFilter.data[fi] += x.data[xi] * dy.data[yi];
  });
  return dFilter;
}
