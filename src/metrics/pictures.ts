import { check } from "../errors.ts";
import type { ImageBytes } from "../gan/batch.ts";

/** Pictures `start` to `start + count` of `pictures`: a view, not a copy. */
export function picturesFrom({ data, shape, mirror }: ImageBytes, start: number, count: number): ImageBytes {
  const [, height, width, channels] = shape;
  const size = height * width * channels;
  return {
    data: data.subarray(start * size, (start + count) * size),
    shape: [count, height, width, channels],
    ...(mirror && { mirror: mirror.subarray(start, start + count) }),
  };
}

/** Pictures a portion at a time, which bounds memory. */
export function* portions(
  pictures: ImageBytes,
  size: number,
): Generator<{ readonly start: number; readonly part: ImageBytes }> {
  check(Number.isSafeInteger(size) && size > 0, () => `batch: expected a whole number above 0, got ${size}`);
  const [count] = pictures.shape;
  for (let start = 0; start < count; start += size) {
    yield { start, part: picturesFrom(pictures, start, Math.min(size, count - start)) };
  }
}
