import { tensor, tensor2d, tensor4d, tidy } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { imageBatch, imageBytes, translate } from "../../src/ops/image.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "./check.ts";

beforeAll(useBuild);

it("imageBatch gives exactly -1 for 0 and 1 for 255", async () => {
  const x = imageBatch({ data: Uint8Array.of(0, 255), shape: [1, 1, 2, 1] });
  expect([...(await x.data())]).toEqual([-1, 1]);
  x.dispose();
});

it.each([1, 3, 16, 17, 64, 256])("imageBytes undoes imageBatch for %d bytes", async (size) => {
  await checkNoLeak(async () => {
    const data = Uint8Array.from({ length: size }, (_, i) => i);
    const x = imageBatch({ data, shape: [1, 1, size, 1] });
    expect([...(await imageBytes(x))]).toEqual([...data]);
    x.dispose();
  });
});

it("imageBytes rounds half up and clamps", async () => {
  // Zero is level 127.5, half way; levels 0.4 and 1.6 lie beside; the rest are outside.
  const values = [0.4 / 127.5 - 1, 1.6 / 127.5 - 1, 0, -1.01, -7, 1.004, 1e30, -1e30, Number.NaN];
  for (const count of [1, 2]) {
    const list = Array.from({ length: count }, () => values).flat();
    const x = tensor4d(list, [1, 1, list.length, 1]);
    const bytes = await imageBytes(x);
    x.dispose();
    const expected = [0, 2, 128, 0, 0, 255, 255, 0, 0];
    expect([...bytes]).toEqual(Array.from({ length: count }, () => expected).flat());
  }
});

it("imageBatch says what does not fit", () => {
  expect(() => imageBatch({ data: new Uint8Array(5), shape: [1, 2, 1, 3] })).toThrow(
    "imageBatch: expected the bytes of [1,2,1,3] (NHWC), got 5",
  );
  expect(() =>
    imageBatch({ data: new Uint8Array(6), shape: [1, 2, 1, 3], mirror: new Uint8Array(2) }),
  ).toThrow("imageBatch: expected a mirror byte for each of 1 pictures, got 2");
});

it("translate says what does not fit", () => {
  tidy(() => {
    const x = tensor4d(new Float32Array(8), [2, 2, 2, 1]);
    expect(() => translate(x, tensor2d([0, 0], [1, 2], "int32"))).toThrow(
      "translate: expected shift of shape [2,2], got [1,2]",
    );
    expect(() => translate(x, tensor2d([0.5, 0, 0, 0], [2, 2]))).toThrow(TypeError);
    expect(() => translate(tensor([1]), tensor2d([0, 0], [1, 2], "int32"))).toThrow("expected x of rank 4");
  });
});
