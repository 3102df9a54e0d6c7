import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { imageFolder } from "../../src/data/node.ts";
import type { Dataset, ImageBytes } from "../../src/gan/batch.ts";
import { bombPng } from "./pictures.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ganvil-data-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Colour = readonly [number, number, number];
const RED: Colour = [200, 30, 30];
const GREEN: Colour = [30, 200, 30];
const BLUE: Colour = [30, 30, 200];

async function put(name: string, bytes: Uint8Array | string): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** Vertical stripes of equal width. */
function striped(width: number, height: number, colours: readonly Colour[]): Sharp {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels.set(colours[Math.floor((x * colours.length) / width)], (y * width + x) * 3);
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

const onePicture = () => striped(40, 40, [RED]).png().toBuffer();

/** All pictures of a dataset, in the order of their files. */
async function pictures(dataset: Dataset): Promise<Uint8Array[]> {
  for await (const { image } of dataset.batches({ count: dataset.size, cursor: 0 })) {
    const { data } = image as ImageBytes;
    const bytes = data.length / dataset.size;
    return Array.from({ length: dataset.size }, (_, i) => data.subarray(i * bytes, (i + 1) * bytes));
  }
  throw new Error("no batch");
}

async function only(options: { resolution: number; channels?: 1 | 3 }): Promise<Uint8Array> {
  const dataset = await imageFolder(folder, { mirror: false, ...options });
  expect(dataset.size).toBe(1);
  return (await pictures(dataset))[0];
}

function pixel(picture: Uint8Array, resolution: number, x: number, y: number): Uint8Array {
  const at = (y * resolution + x) * 3;
  return picture.subarray(at, at + 3);
}

function expectNear(found: ArrayLike<number>, expected: readonly number[], within: number): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(found[i] - value)).toBeLessThanOrEqual(within);
  });
}

describe("imageFolder", () => {
  it("crops to the square in the middle and keeps colours", async () => {
    await put("a.png", await striped(60, 20, [RED, GREEN, BLUE]).png().toBuffer());
    const picture = await only({ resolution: 4 });
    // The filter reaches a little over the edge of the square.
    for (const x of [0, 3]) expectNear(pixel(picture, 4, x, 1), GREEN, 15);
    for (const x of [1, 2]) expectNear(pixel(picture, 4, x, 1), GREEN, 5);
  });

  it.each(["jpeg", "png", "webp"] as const)(
    "decodes %s by its content, whatever its name",
    async (format) => {
      await put("odd.jpg", await striped(40, 40, [RED, BLUE]).toFormat(format).toBuffer());
      const picture = await only({ resolution: 8 });
      expectNear(pixel(picture, 8, 1, 4), RED, 8);
      expectNear(pixel(picture, 8, 6, 4), BLUE, 8);
    },
  );

  it("turns a picture as its EXIF orientation says", async () => {
    // Orientation 6: what is stored on the left belongs at the top.
    await put("a.jpg", await striped(64, 64, [RED, BLUE]).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    const picture = await only({ resolution: 8 });
    expectNear(pixel(picture, 8, 4, 1), RED, 8);
    expectNear(pixel(picture, 8, 4, 6), BLUE, 8);
  });

  it("makes grey pictures of 8 and 16 bit RGB", async () => {
    const grey = sharp(new Uint8Array(100).fill(77), { raw: { width: 10, height: 10, channels: 1 } });
    await put("a.jpg", await grey.clone().toColourspace("b-w").jpeg().toBuffer());
    expectNear(pixel(await only({ resolution: 2 }), 2, 1, 1), [77, 77, 77], 2);
    await put("a.jpg", await grey.clone().toColourspace("grey16").png().toBuffer());
    expectNear(pixel(await only({ resolution: 2 }), 2, 1, 1), [77, 77, 77], 2);
  });

  it("makes colours grey where one channel is asked for", async () => {
    await put(
      "a.png",
      await striped(8, 8, [[120, 120, 120]])
        .png()
        .toBuffer(),
    );
    expectNear(await only({ resolution: 2, channels: 1 }), [120, 120, 120, 120], 1);
  });

  it("puts transparent parts on white", async () => {
    const clear = { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } as const;
    await put("a.png", await sharp({ create: clear }).png().toBuffer());
    expectNear(pixel(await only({ resolution: 2 }), 2, 0, 0), [255, 255, 255], 0);
  });

  it("averages fine detail away instead of picking pixels", async () => {
    const fine = Array.from({ length: 64 }, (_, i): Colour => (i % 2 ? [255, 255, 255] : [0, 0, 0]));
    await put("a.png", await striped(64, 64, fine).png().toBuffer());
    for (const value of await only({ resolution: 4 })) expect(Math.abs(value - 127.5)).toBeLessThan(12);
  });

  it("walks folders in the order of their names, hidden files and other files left out", async () => {
    const grey = async (value: number) =>
      striped(4, 4, [[value, value, value]])
        .png()
        .toBuffer();
    await put("b.png", await grey(20));
    await put("a/z.png", await grey(10));
    await put("c", await grey(30));
    await put(".hidden.png", await grey(99));
    await put(".hidden/a.png", await grey(99));
    await put("notes.txt", "not a picture, and not called one");
    await symlink(join(folder, "b.png"), join(folder, "d.png"));
    const dataset = await imageFolder(folder, { resolution: 1, mirror: false });
    expect(dataset.skipped).toEqual([]);
    expect((await pictures(dataset)).map(([value]) => value).toSorted()).toEqual([10, 20, 20, 30]);
    const again = await imageFolder(folder, { resolution: 1, mirror: false });
    expect(await pictures(again)).toEqual(await pictures(dataset));
  });

  it("skips what it cannot decode, each with its name and reason", async () => {
    for (let i = 0; i < 50; i++) await put(`good-${i}.png`, await onePicture());
    // Noise: a flat picture's rows after the cut would decode to the same pixels.
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
    const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    await put("bad/cut.jpg", jpeg.subarray(0, jpeg.length / 2));
    await put("bad/text.jpg", "this is a text");
    await put("bad/bomb.png", bombPng(20_000, 20_000));
    await put("bad/empty.png", "");
    await put("bad/no-data.png", bombPng(10, 10));
    const dataset = await imageFolder(folder, { resolution: 8 });
    expect(dataset.size).toBe(50);
    const reasons = Object.fromEntries(dataset.skipped.map(({ name, reason }) => [name, reason]));
    expect(Object.keys(reasons)).toEqual([
      "bad/bomb.png",
      "bad/cut.jpg",
      "bad/empty.png",
      "bad/no-data.png",
      "bad/text.jpg",
    ]);
    expect(reasons["bad/bomb.png"]).toMatch(/20000x20000 pixels/);
    expect(reasons["bad/text.jpg"]).toMatch(/not a JPEG/);
  });

  it("refuses a folder with more than a tenth of bad pictures", async () => {
    for (let i = 0; i < 8; i++) await put(`good-${i}.png`, await onePicture());
    await put("text.jpg", "this is a text");
    await expect(imageFolder(folder, { resolution: 8 })).rejects.toMatchObject({
      code: "too-many-bad-pictures",
    });
    await expect(imageFolder(folder, { resolution: 8 })).rejects.toThrow(/text\.jpg: not a JPEG/);
  });

  it("names an empty and a missing folder", async () => {
    await expect(imageFolder(folder, { resolution: 8 })).rejects.toMatchObject({ code: "no-pictures" });
    const missing = join(folder, "missing");
    await expect(imageFolder(missing, { resolution: 8 })).rejects.toMatchObject({ code: "folder-missing" });
    await expect(imageFolder(missing, { resolution: 8 })).rejects.toThrow(missing);
  });

  it("refuses sizes that are none before it reads anything", async () => {
    await expect(imageFolder(folder, { resolution: 0 })).rejects.toThrow(RangeError);
  });

  it("says how to install sharp where it is missing", async () => {
    vi.doMock("sharp", () => {
      throw new Error("Cannot find package 'sharp'");
    });
    await expect(imageFolder(folder, { resolution: 8 })).rejects.toMatchObject({ code: "sharp-missing" });
    await expect(imageFolder(folder, { resolution: 8 })).rejects.toThrow(/npm install sharp/);
    vi.doUnmock("sharp");
  });

  const portraits = new URL("../../../shared/data/faces", import.meta.url).pathname;
  it.skipIf(!existsSync(portraits))(
    "decodes 879 portraits without skipping one (needs ../shared/data)",
    async () => {
      const dataset = await imageFolder(portraits, { resolution: 32 });
      expect([dataset.size, dataset.skipped]).toEqual([879, []]);
    },
  );
});

describe("classes by folders", () => {
  it("are the first folders, in the order of their names, also where pictures are left out", async () => {
    for (let i = 0; i < 6; i++) {
      for (const name of ["cats", "ants/red"]) await put(`${name}/${i}.png`, await onePicture());
    }
    await put("ants/0.png", "not a picture");
    const dataset = await imageFolder(folder, { resolution: 8, classes: "folders" });
    expect(dataset.classNames).toEqual(["ants", "cats"]);
    expect(dataset.skipped.map(({ name }) => name)).toEqual(["ants/0.png"]);
    for await (const { label } of dataset.batches({ count: 12, cursor: 0 })) {
      expect(Array.from(label!).sort()).toEqual([...Array(6).fill(0), ...Array(6).fill(1)]);
      break;
    }
  });

  it("leave no picture without one", async () => {
    await put("cats/1.png", await onePicture());
    await put("stray.png", await onePicture());
    await expect(imageFolder(folder, { resolution: 8, classes: "folders" })).rejects.toThrow(
      /stray.png: expected every picture in the folder of its class/,
    );
  });
});
