import { check, DataError } from "../errors.ts";
import { type Batch, type Dataset, type ImageBytes, isTensor, type SkippedPicture } from "../gan/batch.ts";
import { deriveKey, permutation, threefry, words } from "../random.ts";

/** Decoded pictures and how to go through them. */
export interface PictureDatasetOptions {
  /** uint8 [count, resolution, resolution, channels], 0-255. Kept, not copied. */
  readonly pictures: Uint8Array;
  readonly count: number;
  /** Height and width in pixels. */
  readonly resolution: number;
  readonly channels: number;
  /** The order and the mirroring depend on it; 0 by default. */
  readonly seed?: number;
  /** Flips each picture left to right half of the time, anew in each pass; true by default. */
  readonly mirror?: boolean;
  readonly skipped?: readonly SkippedPicture[];
  /** Class of each picture, a position in `classNames`; kept, not copied. Default: they have none. */
  readonly labels?: ArrayLike<number>;
  /** Needed with labels. */
  readonly classNames?: readonly string[];
}

/**
 * A dataset over pictures in memory. Pass p goes through all pictures in a permutation drawn from (seed, p);
 * a batch may begin in one pass and end in the next. The cursor counts pictures drawn since the start, so
 * that batches from a cursor on are those an uninterrupted run would have had.
 *
 * `batches` throws DataError `too-few-pictures` where one batch holds more pictures than there are.
 */
export function pictureDataset({
  pictures,
  count: size,
  resolution,
  channels,
  seed = 0,
  mirror = true,
  skipped = [],
  labels,
  classNames,
}: PictureDatasetOptions): Dataset {
  const pictureBytes = resolution * resolution * channels;
  check(
    pictures.length === size * pictureBytes,
    () =>
      `pictureDataset: ${pictures.length} bytes are not pictures [${size},${resolution},${resolution},${channels}]`,
  );

  check(
    labels === undefined || (labels.length === size && classNames !== undefined),
    () =>
      `pictureDataset: expected ${size} labels and the names of their classes, got ${labels?.length} labels and ${classNames?.length ?? "no"} names`,
  );

  function assemble(count: number, cursor: number, orderOf: (pass: number) => Uint32Array): Batch {
    const data = new Uint8Array(count * pictureBytes);
    const label = labels && new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const drawn = cursor + i;
      const picture = orderOf(Math.floor(drawn / size))[drawn % size];
      if (label) label[i] = labels[picture];
      data.set(pictures.subarray(picture * pictureBytes, (picture + 1) * pictureBytes), i * pictureBytes);
    }
    const shape = [count, resolution, resolution, channels] as const;
    const image = mirror ? { data, shape, mirror: mirrorBits(seed, count, cursor) } : { data, shape };
    return { image, label, cursor: cursor + count };
  }

  async function* draw(count: number, from: number): AsyncGenerator<Batch> {
    const orderOf = passOrder(seed, size);
    for (let cursor = from; ; cursor += count) yield assemble(count, cursor, orderOf);
  }

  return {
    resolution,
    channels,
    size,
    ...(labels !== undefined && { classes: classNames!.length, classNames }),
    skipped,
    batches({ count, cursor }) {
      check(Number.isInteger(count) && count >= 1, () => `batches: count ${count}, at least 1 needed`);
      check(Number.isSafeInteger(cursor) && cursor >= 0, () => `batches: cursor ${cursor} is not a position`);
      if (count > size) {
        const left = skipped.length === 0 ? "" : ` (${skipped.length} more could not be used)`;
        throw new DataError(
          "too-few-pictures",
          `batches: a batch needs ${count} pictures, there are ${size}${left}. Add pictures or use a smaller batch`,
        );
      }
      return draw(count, cursor);
    },
  };
}

/**
 * Random pictures of a dataset, none twice, for metrics: `features(judge, await takePictures(data))`. They are the first of
 * its first pass, and mirrored as there: load with `mirror: false` for the pictures as they are.
 * @param count of them; default all
 * @returns uint8 [count, resolution, resolution, channels]
 * @throws DataError `too-few-pictures` for more than there are
 * @throws TypeError for a dataset whose batches are tensors
 */
export async function takePictures(data: Dataset, count = data.size): Promise<ImageBytes> {
  for await (const { image } of data.batches({ count, cursor: 0 })) {
    if (!isTensor(image)) return image;
    image.dispose();
    throw new TypeError("takePictures: expected a dataset of bytes, got one of tensors");
  }
  throw new TypeError("takePictures: expected a dataset of endless batches, got one that has none");
}

/** The order of each pass; the last is kept, since batches ask for it picture by picture. */
function passOrder(seed: number, size: number): (pass: number) => Uint32Array {
  let known: { readonly pass: number; readonly order: Uint32Array } | undefined;
  return (pass) => {
    if (known?.pass !== pass) known = { pass, order: permutation(size, deriveKey(seed, "data-order", pass)) };
    return known.order;
  };
}

function mirrorBits(seed: number, count: number, cursor: number): Uint8Array {
  const key = deriveKey(seed, "data-mirror");
  return Uint8Array.from({ length: count }, (_, i) => threefry(key, ...words(cursor + i))[0] & 1);
}
