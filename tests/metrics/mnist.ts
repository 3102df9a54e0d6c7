import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { pictureDataset } from "../../src/data/dataset.ts";
import type { Dataset, ImageBytes } from "../../src/gan/batch.ts";

const folder = new URL("../../../shared/data/mnist", import.meta.url).pathname;

/** Why tests of digits are skipped, if they are. */
export const mnistMissing = existsSync(folder) ? undefined : `${folder} is not there`;

/** The bytes of an idx file after its header. */
function bytesOf(name: string): Uint8Array {
  const file = gunzipSync(readFileSync(`${folder}/${name}.gz`));
  return new Uint8Array(file.subarray(4 + 4 * file[3]));
}

export interface Digits {
  readonly pictures: ImageBytes;
  readonly labels: Uint8Array;
}

/** MNIST's handwritten digits, 28×28. */
export function digits(part: "train" | "t10k"): Digits {
  const data = bytesOf(`${part}-images-idx3-ubyte`);
  return {
    pictures: { data, shape: [data.length / 784, 28, 28, 1] },
    labels: bytesOf(`${part}-labels-idx1-ubyte`),
  };
}

export function digitsDataset({ pictures, labels }: Digits): Dataset {
  return pictureDataset({
    ...{ pictures: pictures.data, count: labels.length, labels, classNames: [..."0123456789"] },
    ...{ resolution: 28, channels: 1, mirror: false },
  });
}
