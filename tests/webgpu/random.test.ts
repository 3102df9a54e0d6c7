import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { compile } from "../../src/backend/compile.ts";
import { randomNormal, randomUniform } from "../../src/ops/random.ts";
import { deriveKey, threefry, words } from "../../src/random.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";

beforeAll(useBuild);

const key = deriveKey(42, "test");

const wordAt = (n: number): number => threefry(key, ...words(Math.floor(n / 2)))[n % 2];

it("draws Wasm's uniform bits on the GPU, whatever the range", () =>
  checkNoLeak(async () => {
    for (const [low, high] of [
      [0, 1],
      [0.1, 0.7],
      [-3.3, 1e5],
    ]) {
      for (const offset of [0, 3, 2 ** 33 - 5]) {
        const x = randomUniform([1001], { key, low, high, offset });
        const scale = Math.fround(high - low) / 2 ** 24;
        const expected = Float32Array.from({ length: 1001 }, (_, i) =>
          Math.fround(Math.fround(low) + Math.fround(scale * (wordAt(offset + i) >>> 8))),
        );
        expect(await x.data()).toEqual(expected);
        x.dispose();
      }
    }
    expect(currentBackend().placer.explain("GanvilRandomUniform")).toMatchObject({ device: "webgpu" });
  }));

it("draws with the key and the offset of each replay", () =>
  checkNoLeak(async () => {
    let step = 0;
    const run = compile(() => [
      randomNormal([7], { key: () => deriveKey(1, step), offset: (() => step) as never }),
    ]);
    for (; step < 5; step++) {
      const [drawn] = run();
      const plain = randomNormal([7], { key: deriveKey(1, step), offset: step });
      expect(await drawn.data()).toEqual(await plain.data());
      drawn.dispose();
      plain.dispose();
    }
    expect(run.status).toBe("captured");
    run.dispose();
  }));
