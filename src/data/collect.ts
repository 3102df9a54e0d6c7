/** What becomes of pictures that cannot be used, in Node and in browsers alike. */
import { check, DataError } from "../errors.ts";
import type { Dataset, SkippedPicture } from "../gan/batch.ts";
import { pictureDataset } from "./dataset.ts";

/** A picture still to be decoded. */
export interface PictureSource {
  readonly name: string;
  /** uint8 HWC, 0-255, all of one size; rejects, with the reason, where the picture cannot be used. */
  decode(): Promise<Uint8Array>;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** What can be watched and stopped while pictures are decoded. */
export interface CollectOptions {
  /** Number of sources. */
  readonly total: number;
  /** Bytes of each decoded picture. */
  readonly pictureBytes: number;
  /** Pictures decoded at the same time, 4 by default. */
  readonly parallel?: number;
  /** Called after each picture. */
  readonly onProgress?: (progress: Progress) => void;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Decoded pictures one behind the other in the order of their sources, and those left out. */
export interface Collected {
  readonly pictures: Uint8Array;
  readonly count: number;
  /** Position of each among the sources. */
  readonly kept: readonly number[];
  readonly skipped: readonly SkippedPicture[];
}

/** How pictures become a dataset. */
export interface PictureOptions extends Pick<CollectOptions, "onProgress" | "signal"> {
  /** Height and width of the squares that pictures are cropped and scaled to, in pixels. */
  readonly resolution: number;
  /** 3 (RGB, the default) or 1 (grey). */
  readonly channels?: 1 | 3;
  /** The order and the mirroring depend on it; 0 by default. */
  readonly seed?: number;
  /** Flips pictures left to right half of the time; true by default. */
  readonly mirror?: boolean;
  /**
   * "folders": a picture's class is the first folder of its path ("cats/1.jpg"), classes in the order of their names.
   * Default: they have none.
   */
  readonly classes?: "folders";
}

/** More bad pictures than this part of all mean that the folder is not what its owner thinks. */
const MAX_BAD = 0.1;
const NAMED_IN_ERROR = 5;

/**
 * Decodes pictures into memory, a few at a time. Those that fail are skipped and named.
 *
 * @throws DataError `too-many-bad-pictures`, as soon as more than a tenth of all failed.
 */
export async function collectPictures(
  sources: Iterable<PictureSource> | AsyncIterable<PictureSource>,
  { total, pictureBytes, parallel = 4, onProgress, signal }: CollectOptions,
): Promise<Collected> {
  const pictures = new Uint8Array(total * pictureBytes);
  const skipped: SkippedPicture[] = [];
  const kept: number[] = [];
  let done = 0;

  async function take(outcome: Promise<Uint8Array | SkippedPicture>): Promise<void> {
    const result = await outcome;
    signal?.throwIfAborted();
    if (result instanceof Uint8Array) {
      pictures.set(result, kept.length * pictureBytes);
      kept.push(done);
    } else skipped.push(result);
    done++;
    if (skipped.length > total * MAX_BAD) throw tooManyBad(skipped, done, total);
    onProgress?.({ done, total });
  }

  signal?.throwIfAborted();
  // Taken in the order of the sources, whichever is decoded first: the same folder is the same dataset.
  const waiting: Promise<Uint8Array | SkippedPicture>[] = [];
  for await (const source of sources) {
    waiting.push(decodeOrSkip(source, pictureBytes));
    if (waiting.length >= parallel) await take(waiting.shift()!);
  }
  for (const outcome of waiting) await take(outcome);

  const count = kept.length;
  return { pictures: pictures.subarray(0, count * pictureBytes), count, kept, skipped };
}

/** `collectPictures` with the result as a dataset. */
export async function collectDataset(
  sources: readonly PictureSource[],
  { resolution, channels = 3, seed = 0, mirror = true, classes, onProgress, signal }: PictureOptions,
): Promise<Dataset> {
  const named = classes === "folders" ? classesOf(sources) : undefined;
  const collected = await collectPictures(sources, {
    total: sources.length,
    pictureBytes: resolution * resolution * channels,
    onProgress,
    signal,
  });
  return pictureDataset({
    ...{ ...collected, resolution, channels, seed, mirror },
    ...(named && {
      labels: collected.kept.map((source) => named.labels[source]),
      classNames: named.classNames,
    }),
  });
}

/** The class of each source, by the first folder of its path. */
function classesOf(sources: readonly PictureSource[]) {
  const folders = sources.map(({ name }) => {
    const [folder, ...rest] = name.split("/");
    if (rest.length === 0) {
      throw new DataError(
        "no-class",
        `${name}: expected every picture in the folder of its class, found it outside of any. Move it, or leave out classes: "folders"`,
      );
    }
    return folder;
  });
  const classNames = [...new Set(folders)].sort();
  return { classNames, labels: folders.map((folder) => classNames.indexOf(folder)) };
}

/**
 * The entries whose names are those of pictures, in the order of their names (by UTF-16 code units: the same
 * on every machine). A name counts with an extension that pictures have, supported or not, or with none;
 * what the picture really is, its content tells. Other files and hidden ones are none of ours.
 */
export function pictureEntries<T extends { readonly name: string }>(entries: Iterable<T>): T[] {
  return [...entries]
    .filter(({ name }) => PICTURE_NAME.test(name) && !HIDDEN.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

const PICTURE_NAME = /(^|\/)[^/.]+$|\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|avif|hei[cf]|jxl)$/i;
const HIDDEN = /(^|\/)\./;

/** @throws RangeError for a resolution or a number of channels that no picture has. */
export function checkPictureOptions(caller: string, { resolution, channels = 3 }: PictureOptions): void {
  check(
    Number.isInteger(resolution) && resolution >= 1,
    () => `${caller}: resolution ${resolution} is not a number of pixels`,
  );
  check(channels === 1 || channels === 3, () => `${caller}: expected 1 or 3 channels, got ${channels}`);
}

async function decodeOrSkip(
  source: PictureSource,
  pictureBytes: number,
): Promise<Uint8Array | SkippedPicture> {
  try {
    const picture = await source.decode();
    if (picture.length === pictureBytes) return picture;
    return { name: source.name, reason: `decoded to ${picture.length} bytes, expected ${pictureBytes}` };
  } catch (error) {
    return { name: source.name, reason: error instanceof Error ? error.message : String(error) };
  }
}

function tooManyBad(skipped: readonly SkippedPicture[], done: number, total: number): DataError {
  const first = skipped.slice(0, NAMED_IN_ERROR).map(({ name, reason }) => `${name}: ${reason}`);
  return new DataError(
    "too-many-bad-pictures",
    `${skipped.length} of the first ${done} pictures (${total} in all) cannot be used, ` +
      `more than a tenth of all: ${first.join("; ")}. Remove them or choose another folder`,
  );
}
