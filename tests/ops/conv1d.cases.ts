import { conv1d, conv1dTranspose } from "../../src/ops/conv1d.ts";
import { type Nd, nd } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

interface Shape {
  readonly length: number;
  readonly outLength: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly groups: number;
}

/** Calls `visit(x, y, filter)` with the elements of each product of the convolution of two sequences. */
function eachProduct(shape: Shape, inputs: number, outputs: number, visit: (...i: number[]) => void): void {
  const { length, outLength, taps, stride, dilation, before, groups } = shape;
  const [groupIn, groupOut] = [inputs / groups, outputs / groups];
  for (let n = 0; n < 2; n++)
    for (let i = 0; i < outLength; i++)
      for (let r = 0; r < taps; r++)
        for (let o = 0; o < outputs; o++)
          for (let c = 0; c < groupIn; c++) {
            const at = i * stride + r * dilation - before;
            if (at < 0 || at >= length) continue;
            const from = Math.floor(o / groupOut) * groupIn + c;
            visit(
              (n * length + at) * inputs + from,
              (n * outLength + i) * outputs + o,
              (r * groupIn + c) * outputs + o,
            );
          }
}

const shapes = [
  { length: 7, outLength: 7, taps: 3, stride: 1, dilation: 1, before: 1, groups: 1, pad: "same" },
  { length: 8, outLength: 4, taps: 4, stride: 2, dilation: 1, before: 1, groups: 1, pad: "same" },
  { length: 9, outLength: 5, taps: 3, stride: 1, dilation: 2, before: 0, groups: 2, pad: "valid" },
  { length: 6, outLength: 8, taps: 3, stride: 1, dilation: 1, before: 2, groups: 2, pad: 2 },
] as const;

export const cases: OpCase[] = shapes.flatMap((shape): OpCase[] => {
  const { length, outLength, taps, stride, dilation, groups, pad } = shape;
  const [inputs, outputs] = [4, 6];
  const options = { stride, dilation, groups, pad };
  const filter = { shape: [taps, inputs / groups, outputs] };
  const what = `length ${length}, taps ${taps}, stride ${stride}, dilation ${dilation}, pad ${pad}, groups ${groups}`;
  return [
    {
      name: `conv1d ${what}`,
      inputs: [{ shape: [2, length, inputs] }, filter],
      run: (x, w) => conv1d(x, w, options),
      reference: (x: Nd, w: Nd) => {
        const y = nd([2, outLength, outputs]);
        eachProduct(shape, inputs, outputs, (from, to, tap) => {
          y.data[to] += x.data[from] * w.data[tap];
        });
        return y;
      },
      reduction: taps * inputs,
    },
    {
      name: `conv1dTranspose ${what}`,
      inputs: [{ shape: [2, outLength, outputs] }, filter],
      run: (x, w) => conv1dTranspose(x, w, { ...options, outputLength: length }),
      reference: (x: Nd, w: Nd) => {
        const y = nd([2, length, inputs]);
        eachProduct(shape, inputs, outputs, (to, from, tap) => {
          y.data[to] += x.data[from] * w.data[tap];
        });
        return y;
      },
      reduction: taps * outputs,
    },
  ];
});
