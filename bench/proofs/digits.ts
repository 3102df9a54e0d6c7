// MNIST's files (LeCun et al. 1998), and stacks of three digits.
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { pictureDataset } from "../../src/data/index.ts";
import type { Batch, Dataset, ImageBytes } from "../../src/gan/batch.ts";
import { deriveKey, threefry, words } from "../../src/random.ts";

/** Height and width of digits here: 28 with a border of two black pixels. */
export const resolution = 32;

export interface Digits {
  /** uint8 [N, 32, 32, 1], 0-255. */
  readonly pictures: ImageBytes;
  readonly labels: Uint8Array;
}

/** Dimensions and bytes of a gzipped idx file. */
async function readIdx(path: string): Promise<{ sizes: number[]; bytes: Uint8Array }> {
  const file = gunzipSync(await readFile(path));
  const dimensions = file[3];
  const sizes = Array.from({ length: dimensions }, (_, i) => file.readUInt32BE(4 + 4 * i));
  return { sizes, bytes: file.subarray(4 + 4 * dimensions) };
}

/**
 * The 60,000 digits to train on, or the 10,000 held out.
 * @param folder of the four idx files, gzipped
 */
export async function readDigits(folder: string, part: "train" | "t10k"): Promise<Digits> {
  const path = (what: string) => join(folder, `${part}-${what}-ubyte.gz`);
  await access(folder).catch(() => {
    throw new Error(
      `digits: expected the files of MNIST in ${folder}, found no such folder. Give --data DIR.`,
    );
  });
  const [images, labels] = await Promise.all([readIdx(path("images-idx3")), readIdx(path("labels-idx1"))]);
  const [count, height, width] = images.sizes;
  const data = new Uint8Array(count * resolution * resolution);
  const [top, left] = [(resolution - height) / 2, (resolution - width) / 2];
  for (let row = 0; row < count * height; row++) {
    const picture = Math.floor(row / height);
    const y = top + (row % height);
    const start = (picture * resolution + y) * resolution + left;
    data.set(images.bytes.subarray(row * width, (row + 1) * width), start);
  }
  return { pictures: { data, shape: [count, resolution, resolution, 1] }, labels: labels.bytes };
}

/** Digits with their classes, in an order that depends on the seed. */
export function digitDataset({ pictures, labels }: Digits, seed: number): Dataset {
  const classNames = Array.from({ length: 10 }, (_, digit) => String(digit));
  const count = pictures.shape[0];
  const options = { resolution, channels: 1, seed, mirror: false, labels, classNames };
  return pictureDataset({ pictures: pictures.data, count, ...options });
}

/**
 * Stacked MNIST (Metz et al. 2017, arXiv 1611.02163): three digits drawn at random as red, green and blue, 1,000
 * modes. The n-th stack depends on the seed and n alone.
 */
export function stackedDataset({ pictures }: Digits, seed: number): Dataset {
  const key = deriveKey(seed, "stacks");
  const [size] = pictures.shape;
  const pixels = resolution * resolution;
  const batchAt = (count: number, cursor: number): Batch => {
    const data = new Uint8Array(count * pixels * 3);
    for (let i = 0; i < 3 * count; i++) {
      const [word] = threefry(key, ...words(3 * cursor + i));
      const from = (word % size) * pixels;
      const to = Math.floor(i / 3) * pixels * 3 + (i % 3);
      for (let at = 0; at < pixels; at++) data[to + 3 * at] = pictures.data[from + at];
    }
    return { image: { data, shape: [count, resolution, resolution, 3] }, cursor: cursor + count };
  };
  return {
    ...{ resolution, channels: 3, size: size ** 3, skipped: [] },
    async *batches({ count, cursor }) {
      for (let at = cursor; ; at += count) yield batchAt(count, at);
    },
  };
}
