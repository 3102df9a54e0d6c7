import { decode } from "fast-png";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../src/io/crc32.ts";
import { encodePng, imageGrid } from "../../src/io/index.ts";

describe("encodePng", () => {
  it.each([1, 3])("writes %i channels that two decoders read back", async (channels) => {
    const [width, height] = [7, 5];
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37) % 256);
    const png = encodePng({ data, width, height, channels });
    expect(new Uint8Array(decode(png).data)).toEqual(data);
    const { data: pixels } = await sharp(png)
      .toColourspace(channels === 1 ? "b-w" : "srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(new Uint8Array(pixels)).toEqual(data);
  });

  it("gives equal bytes for equal pictures", () => {
    const picture = { data: new Uint8Array(300).fill(9), width: 10, height: 10, channels: 3 };
    expect(encodePng(picture)).toEqual(encodePng(picture));
  });

  it("says which sizes disagree", () => {
    expect(() => encodePng({ data: new Uint8Array(5), width: 2, height: 1, channels: 3 })).toThrow(
      /5 bytes are not a picture \[1,2,3\]/,
    );
    expect(() => encodePng({ data: new Uint8Array(8), width: 2, height: 2, channels: 2 })).toThrow(
      RangeError,
    );
  });
});

describe("imageGrid", () => {
  it("puts pictures side by side, two white pixels apart, the last row filled up with white", () => {
    const grid = imageGrid({ data: Uint8Array.of(1, 2, 3), shape: [3, 1, 1, 1] });
    expect([grid.width, grid.height, grid.channels]).toEqual([4, 4, 1]);
    const w = 255;
    expect([...grid.data]).toEqual([1, w, w, 2, w, w, w, w, w, w, w, w, 3, w, w, w]);
  });

  it("scales by whole pixels, colours kept together", () => {
    const grid = imageGrid({ data: Uint8Array.of(1, 2, 3, 4, 5, 6), shape: [1, 1, 2, 3] }, { scale: 2 });
    expect([grid.width, grid.height]).toEqual([4, 2]);
    const row = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6];
    expect([...grid.data]).toEqual([...row, ...row]);
  });

  it("takes the columns and the gap it is given", () => {
    const grid = imageGrid({ data: new Uint8Array(6 * 4), shape: [6, 2, 2, 1] }, { columns: 6, gap: 0 });
    expect([grid.width, grid.height]).toEqual([12, 2]);
    expect(grid.data.every((value) => value === 0)).toBe(true);
  });

  it("refuses no pictures and half a scale", () => {
    expect(() => imageGrid({ data: new Uint8Array(0), shape: [0, 2, 2, 3] })).toThrow(/pictures \[0,2,2,3\]/);
    expect(() => imageGrid({ data: new Uint8Array(4), shape: [1, 2, 2, 1] }, { scale: 1.5 })).toThrow(
      /scale 1.5/,
    );
  });
});

describe("crc32", () => {
  it("has the published check value, in one part or two", () => {
    const digits = new TextEncoder().encode("123456789");
    expect(crc32(digits)).toBe(0xcbf43926);
    expect(crc32(digits.subarray(4), crc32(digits.subarray(0, 4)))).toBe(0xcbf43926);
  });
});
