import { type Rank, zeros } from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { pictureDataset, takePictures } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import type { Dataset, ImageBytes } from "../../src/gan/batch.ts";
import { useBuild } from "../builds.ts";

/** Pictures of 1×1 grey pixels whose value is their index. */
function numbered(count: number, options: { seed?: number; mirror?: boolean } = {}): Dataset {
  const pictures = Uint8Array.from({ length: count }, (_, i) => i);
  return pictureDataset({ pictures, count, resolution: 1, channels: 1, ...options });
}

interface Drawn {
  readonly picture: number;
  readonly mirrored: number | undefined;
}

/** The first `total` pictures drawn from `cursor` on, in batches of `count`. */
async function draw(dataset: Dataset, count: number, cursor: number, total: number): Promise<Drawn[]> {
  const drawn: Drawn[] = [];
  for await (const batch of dataset.batches({ count, cursor })) {
    const { data, shape, mirror } = batch.image as ImageBytes;
    expect(shape).toEqual([count, 1, 1, 1]);
    data.forEach((picture, i) => {
      drawn.push({ picture, mirrored: mirror?.[i] });
    });
    expect(batch.cursor).toBe(cursor + drawn.length);
    if (drawn.length >= total) break;
  }
  return drawn.slice(0, total);
}

const picturesOf = (drawn: readonly Drawn[]) => drawn.map(({ picture }) => picture);

describe("pictureDataset", () => {
  it("shows every picture once a pass, in another order each pass, batches crossing passes", async () => {
    const drawn = picturesOf(await draw(numbered(17), 5, 0, 51));
    const passes = [drawn.slice(0, 17), drawn.slice(17, 34), drawn.slice(34)];
    const all = Array.from({ length: 17 }, (_, i) => i);
    for (const pass of passes) expect(pass.toSorted((a, b) => a - b)).toEqual(all);
    expect(new Set([all, ...passes].map(String)).size).toBe(4);
  });

  it("goes on from any cursor as an uninterrupted run would, whatever the size of the batches", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 13 }),
        fc.nat(40),
        fc.nat(),
        fc.nat(),
        async (size, cursor, a, b) => {
          const dataset = numbered(size, { seed: 3 });
          const whole = await draw(dataset, 1 + (a % size), 0, cursor + 20);
          const tail = await draw(dataset, 1 + (b % size), cursor, 20);
          expect(tail).toEqual(whole.slice(cursor));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("depends on the seed, in its order and in its mirroring", async () => {
    const first = await draw(numbered(40, { seed: 1 }), 8, 0, 40);
    const second = await draw(numbered(40, { seed: 2 }), 8, 0, 40);
    expect(await draw(numbered(40, { seed: 1 }), 8, 0, 40)).toEqual(first);
    expect(picturesOf(second)).not.toEqual(picturesOf(first));
    expect(second.map(({ mirrored }) => mirrored)).not.toEqual(first.map(({ mirrored }) => mirrored));
  });

  it("mirrors about half of the pictures, and the same picture not in every pass", async () => {
    const drawn = await draw(numbered(10), 10, 0, 1000);
    const mirrored = drawn.filter((one) => one.mirrored === 1).length;
    // Five standard deviations of a fair coin around 500.
    expect(Math.abs(mirrored - 500)).toBeLessThan(80);
    const ofFirst = drawn.filter(({ picture }) => picture === 0).map((one) => one.mirrored);
    expect(new Set(ofFirst)).toEqual(new Set([0, 1]));
  });

  it("has no mirror bits where it shall not mirror", async () => {
    expect((await draw(numbered(4, { mirror: false }), 4, 0, 4))[0].mirrored).toBeUndefined();
  });

  it("copies whole pictures, and a batch is the caller's to change", async () => {
    const pictures = Uint8Array.from({ length: 3 * 12 }, (_, i) => i);
    const dataset = pictureDataset({ pictures, count: 3, resolution: 2, channels: 3 });
    for await (const { image } of dataset.batches({ count: 3, cursor: 0 })) {
      const { data } = image as ImageBytes;
      for (let i = 0; i < 3; i++) {
        const [start] = data.subarray(i * 12);
        expect(start % 12).toBe(0);
        expect([...data.subarray(i * 12, i * 12 + 12)]).toEqual(
          Array.from({ length: 12 }, (_, k) => start + k),
        );
      }
      data.fill(0);
      break;
    }
    expect(pictures[35]).toBe(35);
  });

  it("goes on past 2^32 pictures drawn", async () => {
    const drawn = await draw(numbered(3), 3, 3 * 2 ** 33, 3);
    expect(picturesOf(drawn).toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
  });

  it("says how many pictures there are and how many a batch needs, when batches are asked for", () => {
    const dataset = pictureDataset({
      pictures: new Uint8Array(3),
      count: 3,
      resolution: 1,
      channels: 1,
      skipped: [{ name: "a.jpg", reason: "broken" }],
    });
    expect(() => dataset.batches({ count: 4, cursor: 0 })).toThrow(DataError);
    expect(() => dataset.batches({ count: 4, cursor: 0 })).toThrow(/needs 4 pictures, there are 3 \(1 more/);
    expect(() => dataset.batches({ count: 0, cursor: 0 })).toThrow(RangeError);
    expect(() => dataset.batches({ count: 1, cursor: -1 })).toThrow(RangeError);
  });

  it("refuses bytes that are not the pictures it is told of", () => {
    expect(() =>
      pictureDataset({ pictures: new Uint8Array(11), count: 1, resolution: 2, channels: 3 }),
    ).toThrow(/11 bytes are not pictures \[1,2,2,3\]/);
  });
});

describe("takePictures", () => {
  beforeAll(useBuild);

  it("takes all pictures, or so many at random, none twice", async () => {
    const dataset = numbered(20, { mirror: false });
    const all = await takePictures(dataset);
    expect(all.shape).toEqual([20, 1, 1, 1]);
    expect([...all.data].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    const some = await takePictures(dataset, 7);
    expect([...some.data]).toEqual([...all.data.slice(0, 7)]);
    await expect(takePictures(dataset, 21)).rejects.toThrow("a batch needs 21 pictures, there are 20");
  });

  it("refuses a dataset of tensors, and frees them", async () => {
    const image = zeros<Rank.R4>([2, 1, 1, 1]);
    const dataset: Dataset = {
      ...numbered(2),
      async *batches() {
        yield { image, cursor: 2 };
      },
    };
    await expect(takePictures(dataset)).rejects.toThrow(TypeError);
    expect(image.isDisposed).toBe(true);
  });
});

describe("classes", () => {
  const pictures = Uint8Array.from({ length: 6 * 3 }, (_, i) => Math.floor(i / 3));
  const labelled = (labels: readonly number[]) =>
    pictureDataset({
      ...{ pictures, count: 6, resolution: 1, channels: 3, mirror: false },
      ...{ labels, classNames: ["even", "odd"] },
    });

  it("go with their pictures, in whatever order these come", async () => {
    const dataset = labelled([0, 1, 0, 1, 0, 1]);
    expect(dataset.classes).toBe(2);
    for await (const { image, label, cursor } of dataset.batches({ count: 4, cursor: 0 })) {
      const { data } = image as ImageBytes;
      expect(Array.from(label!)).toEqual([0, 1, 2, 3].map((i) => data[3 * i] % 2));
      if (cursor > 20) break;
    }
  });

  it("are refused where there are not as many as pictures", () => {
    expect(() => labelled([0, 1])).toThrow(/expected 6 labels .* got 2 labels/);
  });
});
