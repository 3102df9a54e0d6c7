import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { imageBatch, translate } from "../../src/ops/image.ts";
import { build, offsetOf } from "../reference/nd.ts";
import type { OpCase } from "./case.ts";

function translateCase(shape: [number, number, number, number], shift: number[]): OpCase {
  return {
    name: `translate [${shape}] by [${shift}]`,
    inputs: [{ shape }, { shape: [shape[0], 2], dtype: "int32", values: shift }],
    run: (x, by) => translate(x as Tensor4D, by as Tensor2D),
    reference: (x) =>
      build(shape, ([n, i, j, c]) => {
        const [row, column] = [i - shift[2 * n], j - shift[2 * n + 1]];
        if (row < 0 || row >= shape[1] || column < 0 || column >= shape[2]) return 0;
        return x.data[offsetOf(shape, [n, row, column, c])];
      }),
  };
}

function imageBatchCase(shape: [number, number, number, number], mirror?: number[]): OpCase {
  const size = shape.reduce((a, b) => a * b, 1);
  // 97 has no factor in common with 256, so that every byte comes up.
  const data = Uint8Array.from({ length: size }, (_, i) => i * 97);
  return {
    name: `imageBatch [${shape}]${mirror ? ` with [${mirror}] mirrored` : ""}`,
    inputs: [],
    run: () => imageBatch({ data, shape, mirror: mirror && Uint8Array.from(mirror) }),
    reference: () =>
      build(shape, ([n, i, j, c]) => {
        const column = mirror?.[n] ? shape[2] - 1 - j : j;
        return data[offsetOf(shape, [n, i, column, c])] / 127.5 - 1;
      }),
    gradient: [],
  };
}

export const cases: OpCase[] = [
  translateCase([1, 1, 1, 1], [0, 0]),
  translateCase([3, 4, 5, 3], [1, -2, -3, 4, 0, 0]),
  translateCase([2, 3, 2, 1], [7, 0, 0, -2]),
  translateCase([2, 5, 3, 2], [-(2 ** 31), 1, 2 ** 31 - 1, -1]),
  translateCase([1, 16, 17, 3], [2, 3]),
  imageBatchCase([1, 1, 1, 1]),
  imageBatchCase([2, 3, 5, 3]),
  imageBatchCase([3, 4, 7, 3], [1, 0, 1]),
  imageBatchCase([2, 17, 16, 1], [0, 1]),
];
