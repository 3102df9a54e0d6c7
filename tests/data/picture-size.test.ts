import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { pictureSize } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import { bombPng } from "./pictures.ts";

const plain = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background: { r: 9, g: 99, b: 199, alpha: 0.5 } } });

const files: [what: string, format: string, encode: () => Promise<Uint8Array>][] = [
  ["a PNG", "png", () => plain(37, 21).png().toBuffer()],
  ["a palette PNG", "png", () => plain(37, 21).png({ palette: true }).toBuffer()],
  ["a baseline JPEG", "jpeg", () => plain(37, 21).jpeg().toBuffer()],
  ["a progressive JPEG", "jpeg", () => plain(37, 21).jpeg({ progressive: true }).toBuffer()],
  [
    "a JPEG with EXIF",
    "jpeg",
    () =>
      plain(37, 21)
        .withExif({ IFD0: { Artist: "x".repeat(9000) } })
        .jpeg()
        .toBuffer(),
  ],
  ["a lossy WebP", "webp", () => plain(37, 21).webp().toBuffer()],
  ["a lossless WebP", "webp", () => plain(37, 21).webp({ lossless: true }).toBuffer()],
  [
    "an extended WebP",
    "webp",
    () =>
      plain(37, 21, 4)
        .withExif({ IFD0: { Artist: "x" } })
        .webp()
        .toBuffer(),
  ],
];

describe("pictureSize", () => {
  it.each(files)("reads the size of %s", async (_, format, encode) => {
    expect(pictureSize(await encode())).toEqual({ format, width: 37, height: 21 });
  });

  it("reads sizes past 255, up to the limit", async () => {
    expect(pictureSize(await plain(1000, 3000).webp({ lossless: true }).toBuffer())).toMatchObject({
      width: 1000,
      height: 3000,
    });
    expect(pictureSize(bombPng(8000, 8000))).toMatchObject({ width: 8000, height: 8000 });
    expect(() => pictureSize(bombPng(8001, 8000))).toThrow(/8001x8000 pixels, at most 64 million/);
    expect(() => pictureSize(bombPng(2 ** 32 - 1, 2 ** 32 - 1))).toThrow(/at most 64 million/);
  });

  it("refuses a picture without pixels, and other files", () => {
    expect(() => pictureSize(bombPng(0, 5))).toThrow(/0x5/);
    for (const text of ["", "GIF89a..........................", "a text", "RIFF....WAVEfmt "]) {
      expect(() => pictureSize(new TextEncoder().encode(text))).toThrow(/not a JPEG, PNG or WebP/);
    }
  });

  it("gives a size or a DataError for any damaged header, and ends", async () => {
    const encoded = await Promise.all(files.map(([, , encode]) => encode()));
    fc.assert(
      fc.property(
        fc.constantFrom(...encoded),
        fc.nat(),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
        (whole, cut, changes) => {
          const bytes = new Uint8Array(whole.subarray(0, cut % (whole.length + 1)));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            expect(pictureSize(bytes).width).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(DataError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
