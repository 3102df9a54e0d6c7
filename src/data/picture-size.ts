/**
 * The size of a picture from its first bytes, before anything is decoded: a file of a few hundred bytes can
 * ask a decoder for gigabytes.
 */
import { DataError } from "../errors.ts";

/** Width and height in pixels as the file declares them, before any EXIF orientation. */
export interface PictureSize {
  readonly format: "jpeg" | "png" | "webp";
  readonly width: number;
  readonly height: number;
}

/** Pictures of more pixels are refused: 64 million, 256 MB as RGBA. */
export const MAX_PICTURE_PIXELS = 64_000_000;

/**
 * Format, width and height of a JPEG, PNG or WebP file, told by its content.
 *
 * @throws DataError `picture-unsupported` for other content, `picture-corrupt` for a broken header,
 *   `picture-too-large` above `MAX_PICTURE_PIXELS`.
 */
export function pictureSize(bytes: Uint8Array): PictureSize {
  const size = pngSize(bytes) ?? jpegSize(bytes) ?? webpSize(bytes);
  if (size === undefined) {
    throw new DataError("picture-unsupported", "not a JPEG, PNG or WebP picture");
  }
  const { format, width, height } = size;
  if (width < 1 || height < 1) {
    throw new DataError("picture-corrupt", `${format} of ${width}x${height} pixels`);
  }
  if (width * height > MAX_PICTURE_PIXELS) {
    throw new DataError(
      "picture-too-large",
      `${width}x${height} pixels, at most ${MAX_PICTURE_PIXELS / 1e6} million are decoded`,
    );
  }
  return size;
}

/** PNG (W3C, 2003): the signature, then the IHDR chunk with width and height as big-endian u32. */
function pngSize(bytes: Uint8Array): PictureSize | undefined {
  if (!hasText(bytes, 0, "\x89PNG\r\n\x1a\n")) return undefined;
  if (bytes.length < 24 || !hasText(bytes, 12, "IHDR")) throw cutOff("png");
  const view = viewOf(bytes);
  return { format: "png", width: view.getUint32(16), height: view.getUint32(20) };
}

/** JPEG (ITU T.81, B.2): segments of a marker and a length up to the frame header SOF0-SOF15. */
function jpegSize(bytes: Uint8Array): PictureSize | undefined {
  if (!hasText(bytes, 0, "\xff\xd8\xff")) return undefined;
  const view = viewOf(bytes);
  let at = 2;
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new DataError("picture-corrupt", "jpeg with bytes between its segments");
    const marker = bytes[at + 1];
    // Fill bytes, and the markers that stand alone: TEM, RST0-RST7.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
    else if (isFrameHeader(marker)) {
      return { format: "jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    } else at += 2 + view.getUint16(at + 2);
  }
  throw cutOff("jpeg");
}

/** SOF0-SOF15, of which C4, C8 and CC mean other things. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** WebP (RFC 9649): a RIFF file whose first chunk is VP8 (lossy), VP8L (lossless) or VP8X (extended). */
function webpSize(bytes: Uint8Array): PictureSize | undefined {
  if (!hasText(bytes, 0, "RIFF") || !hasText(bytes, 8, "WEBP")) return undefined;
  if (bytes.length < 30) throw cutOff("webp");
  const view = viewOf(bytes);
  if (hasText(bytes, 12, "VP8 ")) {
    return {
      format: "webp",
      width: view.getUint16(26, true) & 0x3fff,
      height: view.getUint16(28, true) & 0x3fff,
    };
  }
  if (hasText(bytes, 12, "VP8L")) {
    const bits = view.getUint32(21, true);
    return { format: "webp", width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (hasText(bytes, 12, "VP8X")) {
    return { format: "webp", width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 };
  }
  throw new DataError("picture-corrupt", "webp without a picture");
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes.length < at + text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function cutOff(format: PictureSize["format"]): DataError {
  return new DataError("picture-corrupt", `${format} cut off in its header`);
}
