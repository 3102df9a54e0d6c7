import { describe, expect, it } from "vitest";
import { pictureEntries } from "../../src/data/collect.ts";
import { collectPictures, type PictureSource, type Progress } from "../../src/data/index.ts";

const good = (name: string, value: number): PictureSource => ({
  name,
  decode: async () => Uint8Array.of(value, value),
});
const bad = (name: string, reason: string): PictureSource => ({
  name,
  decode: () => Promise.reject(new Error(reason)),
});

async function* eachOf(sources: PictureSource[]) {
  yield* sources;
}

describe("collectPictures", () => {
  it("keeps the order of the sources, whichever is decoded first", async () => {
    const sources = Array.from({ length: 10 }, (_, i) => ({
      name: String(i),
      decode: async () => {
        await new Promise((resolve) => setTimeout(resolve, (10 - i) * 2));
        return Uint8Array.of(i);
      },
    }));
    const { pictures, count } = await collectPictures(eachOf(sources), { total: 10, pictureBytes: 1 });
    expect([...pictures]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(count).toBe(10);
  });

  it("skips a bad picture, names it and its reason, and closes the gap", async () => {
    const sources = Array.from({ length: 20 }, (_, i) => (i === 3 ? bad("3", "torn") : good(`${i}`, i)));
    const { pictures, count, skipped } = await collectPictures(sources, { total: 20, pictureBytes: 2 });
    expect(count).toBe(19);
    expect(skipped).toEqual([{ name: "3", reason: "torn" }]);
    expect(pictures.length).toBe(38);
    expect([...pictures.subarray(4, 8)]).toEqual([2, 2, 4, 4]);
  });

  it("takes a tenth of bad pictures and no more, listing the first few", async () => {
    const mixed = (badOnes: number) =>
      Array.from({ length: 100 }, (_, i) => (i < badOnes ? bad(`bad-${i}`, "torn") : good(`${i}`, 1)));
    expect((await collectPictures(mixed(10), { total: 100, pictureBytes: 2 })).skipped.length).toBe(10);
    const refused = collectPictures(mixed(11), { total: 100, pictureBytes: 2 });
    await expect(refused).rejects.toMatchObject({ name: "DataError", code: "too-many-bad-pictures" });
    await expect(refused).rejects.toThrow(
      /11 of the first 11 pictures \(100 in all\).*bad-0: torn; bad-1: torn/,
    );
    await expect(refused).rejects.not.toThrow(/bad-5/);
  });

  it("skips a picture decoded to another size", async () => {
    const sources = [...Array.from({ length: 10 }, (_, i) => good(`${i}`, i))];
    sources[9] = { name: "odd", decode: async () => new Uint8Array(3) };
    const { skipped } = await collectPictures(sources, { total: 10, pictureBytes: 2 });
    expect(skipped).toEqual([{ name: "odd", reason: "decoded to 3 bytes, expected 2" }]);
  });

  it("decodes a few at a time", async () => {
    let running = 0;
    let most = 0;
    const sources = Array.from({ length: 20 }, (_, i) => ({
      name: `${i}`,
      decode: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
        return Uint8Array.of(i);
      },
    }));
    await collectPictures(sources, { total: 20, pictureBytes: 1, parallel: 3 });
    expect(most).toBe(3);
  });

  it("reports each picture, and stops with the signal's reason", async () => {
    const stop = new AbortController();
    const seen: Progress[] = [];
    const sources = Array.from({ length: 20 }, (_, i) => good(`${i}`, i));
    const stopped = collectPictures(sources, {
      total: 20,
      pictureBytes: 2,
      signal: stop.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.done === 3) stop.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(seen).toEqual([1, 2, 3].map((done) => ({ done, total: 20 })));
  });
});

describe("pictureEntries", () => {
  it("takes pictures and files without an extension, in the order of names, hidden and other files left out", () => {
    const names = [
      "b.PNG",
      "a/z.jpeg",
      "a.jpg",
      "notes.txt",
      ".hidden.jpg",
      "a/.cache/x.jpg",
      "plain",
      "c.tiff",
    ];
    expect(pictureEntries(names.map((name) => ({ name }))).map(({ name }) => name)).toEqual([
      "a.jpg",
      "a/z.jpeg",
      "b.PNG",
      "c.tiff",
      "plain",
    ]);
  });
});
