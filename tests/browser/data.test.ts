import { describe, expect, it } from "vitest";
import { drawnFaces } from "../../demos/faces/dicebear-faces.ts";
import { rasterise } from "../../demos/faces/rasterise-browser.ts";
import { filesFromDrop, imageFiles, squarePixels } from "../../src/data/index.ts";
import type { Dataset, ImageBytes } from "../../src/gan/batch.ts";

type Colour = readonly [number, number, number];
const RED: Colour = [200, 30, 30];
const GREEN: Colour = [30, 200, 30];
const BLUE: Colour = [30, 30, 200];

/** A picture file of vertical stripes of equal width. */
async function striped(
  width: number,
  height: number,
  colours: readonly Colour[],
  { name = "a.png", type = "image/png" } = {},
): Promise<File> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  colours.forEach(([r, g, b], i) => {
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect((i * width) / colours.length, 0, width / colours.length, height);
  });
  return new File([await canvas.convertToBlob({ type, quality: 1 })], name);
}

/** A JPEG with an EXIF segment that says how it is to be turned. */
async function oriented(file: File, orientation: number): Promise<File> {
  const jpeg = new Uint8Array(await file.arrayBuffer());
  // Big-endian TIFF with one directory of one entry: tag 0x0112, a short.
  const tiff = [
    0x4d,
    0x4d,
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
    1,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff];
  const segment = Uint8Array.of(0xff, 0xe1, 0, exif.length + 2, ...exif);
  return new File([jpeg.slice(0, 2), segment, jpeg.slice(2)], file.name);
}

async function pictures(dataset: Dataset): Promise<Uint8Array[]> {
  for await (const { image } of dataset.batches({ count: dataset.size, cursor: 0 })) {
    const { data } = image as ImageBytes;
    const bytes = data.length / dataset.size;
    return Array.from({ length: dataset.size }, (_, i) => data.subarray(i * bytes, (i + 1) * bytes));
  }
  throw new Error("no batch");
}

async function only(file: File, resolution: number, channels: 1 | 3 = 3): Promise<Uint8Array> {
  return (await pictures(await imageFiles([file], { resolution, channels, mirror: false })))[0];
}

function expectNear(found: ArrayLike<number>, expected: readonly number[], within: number): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(found[i] - value)).toBeLessThanOrEqual(within);
  });
}

function pixel(picture: Uint8Array, resolution: number, x: number, y: number): Uint8Array {
  const at = (y * resolution + x) * 3;
  return picture.subarray(at, at + 3);
}

describe("imageFiles", () => {
  it("crops to the square in the middle and keeps colours", async () => {
    const picture = await only(await striped(60, 20, [RED, GREEN, BLUE]), 4);
    for (let i = 0; i < 16; i++) expectNear(picture.subarray(i * 3, i * 3 + 3), GREEN, 2);
  });

  it.each(["image/jpeg", "image/png", "image/webp"])("decodes %s by its content", async (type) => {
    const picture = await only(await striped(40, 40, [RED, BLUE], { name: "odd.jpg", type }), 8);
    expectNear(pixel(picture, 8, 1, 4), RED, 8);
    expectNear(pixel(picture, 8, 6, 4), BLUE, 8);
  });

  it("turns a picture as its EXIF orientation says", async () => {
    const jpeg = await striped(64, 64, [RED, BLUE], { type: "image/jpeg" });
    const picture = await only(await oriented(jpeg, 6), 8);
    expectNear(pixel(picture, 8, 4, 1), RED, 8);
    expectNear(pixel(picture, 8, 4, 6), BLUE, 8);
  });

  it("averages fine detail away instead of picking pixels", async () => {
    const fine = Array.from({ length: 250 }, (_, i): Colour => (i % 2 ? [255, 255, 255] : [0, 0, 0]));
    for (const value of await only(await striped(250, 250, fine), 7)) {
      expect(Math.abs(value - 127.5)).toBeLessThan(16);
    }
  });

  it("puts transparent parts on white and gives one channel where one is asked for", async () => {
    const clear = new OffscreenCanvas(9, 9);
    clear.getContext("2d");
    const file = new File([await clear.convertToBlob()], "clear.png");
    expectNear(await only(file, 2), Array(12).fill(255), 0);
    expectNear(await only(await striped(8, 8, [[120, 120, 120]]), 2, 1), Array(4).fill(120), 1);
  });

  it("scales small pictures up", async () => {
    expectNear(pixel(await only(await striped(2, 2, [RED]), 8), 8, 4, 4), RED, 1);
  });

  it("skips what it cannot decode, each with its name, and leaves out other files", async () => {
    const good = await Promise.all(
      Array.from({ length: 30 }, (_, i) => striped(8, 8, [RED], { name: `${i}.png` })),
    );
    const whole = new Uint8Array(await good[0].arrayBuffer());
    const bomb = whole.slice();
    new DataView(bomb.buffer).setUint32(16, 20_000);
    new DataView(bomb.buffer).setUint32(20, 20_000);
    const bad = [
      new File(["this is a text"], "text.jpg"),
      new File([whole.slice(0, 40)], "cut.png"),
      new File([bomb], "bomb.png"),
    ];
    const dataset = await imageFiles([...bad, ...good, new File(["x"], "notes.txt")], { resolution: 4 });
    expect(dataset.size).toBe(30);
    expect(dataset.skipped.map(({ name }) => name)).toEqual(["bomb.png", "cut.png", "text.jpg"]);
    expect(dataset.skipped[0].reason).toMatch(/20000x20000/);
  });

  it("says so where there are no pictures", async () => {
    await expect(imageFiles([new File(["x"], "notes.txt")], { resolution: 4 })).rejects.toMatchObject({
      code: "no-pictures",
    });
  });
});

describe("imageFiles in a worker", () => {
  it("gives what it gives on a page", async () => {
    const files = [await striped(50, 40, [RED, GREEN, BLUE])];
    const worker = new Worker(new URL("./data-worker.ts", import.meta.url), { type: "module" });
    try {
      const inWorker = await new Promise<Uint8Array>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(files);
      });
      expect([...inWorker]).toEqual([...(await only(files[0], 8))]);
    } finally {
      worker.terminate();
    }
  });
});

describe("squarePixels", () => {
  it("is exact for a picture of the size asked for", async () => {
    const data = Uint8ClampedArray.from({ length: 5 * 5 * 4 }, (_, i) =>
      i % 4 === 3 ? 255 : (i * 37) % 256,
    );
    const bitmap = await createImageBitmap(new ImageData(data, 5, 5));
    expect([...squarePixels(bitmap, 5, 3)]).toEqual([...data].filter((_, i) => i % 4 !== 3));
  });
});

describe("filesFromDrop", () => {
  it("walks dropped folders however many calls their listing takes, and names files by their paths", async () => {
    const file = (path: string) => ({
      isFile: true,
      isDirectory: false,
      fullPath: path,
      file: (take: (file: File) => void) => take(new File(["x"], path.split("/").at(-1)!)),
    });
    const folder = (path: string, lists: object[][]) => ({
      isFile: false,
      isDirectory: true,
      fullPath: path,
      createReader: () => {
        const left = [...lists, []];
        return { readEntries: (take: (entries: unknown) => void) => take(left.shift()) };
      },
    });
    const entries = [
      file("/b.png"),
      folder("/a", [[file("/a/1.png"), folder("/a/in", [[file("/a/in/2.png")]])], [file("/a/3.png")]]),
      null,
    ];
    const items = entries.map((entry) => ({ webkitGetAsEntry: () => entry }));
    const files = await filesFromDrop(items as unknown as DataTransferItemList);
    expect(files.map(({ name }) => name)).toEqual(["b.png", "a/1.png", "a/in/2.png", "a/3.png"]);
  });
});

describe("drawnFaces in a browser", () => {
  it("are opaque, of the size asked for, and the same for the same seed", async () => {
    const draw = async () => pictures(await drawnFaces({ count: 5, resolution: 32, seed: 3, rasterise }));
    const faces = await draw();
    expect(faces.map(({ length }) => length)).toEqual(Array(5).fill(32 * 32 * 3));
    expect(await draw()).toEqual(faces);
    const colours = new Set(
      Array.from({ length: 1024 }, (_, i) => String(faces[0].subarray(i * 3, i * 3 + 3))),
    );
    expect(colours.size).toBeGreaterThan(5);
  });
});
