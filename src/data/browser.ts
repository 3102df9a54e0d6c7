/** Pictures from files a person chose or dropped, decoded by the browser. Works in pages and in workers. */

import { DataError } from "../errors.ts";
import type { Dataset } from "../gan/batch.ts";
import { checkPictureOptions, collectDataset, type PictureOptions, pictureEntries } from "./collect.ts";
import { pictureSize } from "./picture-size.ts";
import { withoutAlpha } from "./rgba.ts";

/** A `File`, or a `Blob` with a name. */
export type PictureFile = Blob & { readonly name: string };

/**
 * The JPEG, PNG and WebP pictures among some files, in the order of their names: turned as their EXIF
 * orientation says, cropped to the square in the middle, scaled with antialiasing, sRGB, transparent parts on
 * white. Pictures that cannot be used are named in `skipped`. Nothing leaves the machine.
 *
 * The decoded pictures are kept in memory, one byte a value: 1,000 pictures of 32×32 take 3 MB. Browsers
 * decode and scale in their own ways: portraits came out 2 levels of 255 from those of Node on average.
 *
 * @throws DataError `no-pictures`, `too-many-bad-pictures` (more than a tenth of all).
 */
export async function imageFiles(files: Iterable<PictureFile>, options: PictureOptions): Promise<Dataset> {
  checkPictureOptions("imageFiles", options);
  const pictures = pictureEntries(files);
  if (pictures.length === 0) {
    throw new DataError("no-pictures", "imageFiles: no JPEG, PNG or WebP pictures among the files");
  }
  const sources = pictures.map((file) => ({ name: file.name, decode: () => decodeFile(file, options) }));
  return collectDataset(sources, options);
}

/**
 * The files dropped on a page, those in dropped folders included, named by their paths. Call it in the `drop`
 * event's handler itself: the browser empties the items when the handler returns.
 */
export async function filesFromDrop(items: DataTransferItemList): Promise<File[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function decodeFile(file: PictureFile, options: PictureOptions): Promise<Uint8Array> {
  pictureSize(new Uint8Array(await file.arrayBuffer()));
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    return squarePixels(bitmap, options.resolution, options.channels ?? 3);
  } finally {
    bitmap.close();
  }
}

/**
 * The square in the middle of a picture at `resolution`, as uint8 HWC.
 *
 * Scaled by half at a time, where bilinear filtering is the exact mean of 2×2 pixels, and by less than two at
 * the end. In one step browsers take few of the pixels (`imageSmoothingQuality` is a hint that Firefox and
 * Safari do not follow), and the noise of the others would be learned.
 */
export function squarePixels(bitmap: ImageBitmap, resolution: number, channels: 1 | 3): Uint8Array {
  let side = Math.min(bitmap.width, bitmap.height);
  let source: ImageBitmap | OffscreenCanvas = bitmap;
  let left = (bitmap.width - side) >> 1;
  let top = (bitmap.height - side) >> 1;
  let context: OffscreenCanvasRenderingContext2D;
  do {
    const next = side >= 2 * resolution ? Math.max(resolution, side >> 1) : resolution;
    context = whiteSquare(next);
    context.drawImage(source, left, top, side, side, 0, 0, next, next);
    [source, left, top, side] = [context.canvas, 0, 0, next];
  } while (side !== resolution);
  return withoutAlpha(context.getImageData(0, 0, resolution, resolution).data, channels);
}

function whiteSquare(side: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(side, side).getContext("2d", {
    alpha: false,
    colorSpace: "srgb",
    willReadFrequently: true,
  });
  if (context === null) throw new DataError("canvas-missing", `no 2d canvas of ${side}x${side} pixels`);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  return context;
}

async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (isFileEntry(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [new File([file], entry.fullPath.replace(/^\//, ""), { type: file.type })];
  }
  if (!isDirectoryEntry(entry)) return [];
  const files: File[] = [];
  const reader = entry.createReader();
  for (;;) {
    // Chrome lists at most 100 entries a call; an empty list is the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (entries.length === 0) return files;
    for (const inside of entries) files.push(...(await filesBelow(inside)));
  }
}

function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectoryEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
