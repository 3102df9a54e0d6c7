import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

function running(line: number[], exclusive: boolean, reverse: boolean): number[] {
  const order = reverse ? line.toReversed() : line;
  let total = 0;
  const sums = order.map((value) => {
    const before = total;
    total += value;
    return exclusive ? before : total;
  });
  return reverse ? sums.reverse() : sums;
}

/** Short lines, long ones of few and of many chunks, and more lines than a workgroup each is worth. */
it.each([
  [3, 64, 2],
  [2, 256, 1],
  [2, 1000, 3],
  [1, 257, 1],
  [70, 65, 60],
])("sums lines of [%d, %d, %d] in any order", (outer, size, inner) =>
  checkNoLeak(async () => {
    const next = random(`scan ${size}`);
    const data = Float32Array.from({ length: outer * size * inner }, () => 2 * next() - 1);
    const x = tf.tensor(data, [outer, size, inner]);
    const whole = tf.tidy(() => tf.cast(tf.mul(x, 100), "int32"));
    const integers = [...(await whole.data())];
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        const expectedOf = (values: ArrayLike<number>) => {
          const expected = new Float64Array(values.length);
          for (let line = 0; line < outer * inner; line++) {
            const first = Math.floor(line / inner) * size * inner + (line % inner);
            const picked = Array.from({ length: size }, (_, i) => values[first + i * inner]);
            for (const [i, sum] of running(picked, exclusive, reverse).entries())
              expected[first + i * inner] = sum;
          }
          return expected;
        };
        const [y, z] = [tf.cumsum(x, 1, exclusive, reverse), tf.cumsum(whole, 1, exclusive, reverse)];
        expectClose("cumsum", await y.data(), expectedOf(data), 2e-6);
        expect([...(await z.data())]).toEqual([...expectedOf(integers)]);
        tf.dispose([y, z]);
      }
    }
    expect(currentBackend().placer.explain("Cumsum")).toMatchObject({ device: "webgpu" });
    tf.dispose([x, whole]);
  }),
);
