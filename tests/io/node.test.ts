import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TrainingState } from "../../src/gan/state.ts";
import { latestCheckpoint, readCheckpoint, writeCheckpoint, writeFileAtomic } from "../../src/io/node.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ganvil-io-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function stateAt(step: number): TrainingState {
  return {
    tensors: { w: { dtype: "float32", shape: [2], data: Float32Array.of(step, 0.5) } },
    metadata: { step: String(step) },
  };
}

describe("writeFileAtomic", () => {
  it("replaces a file and leaves nothing else behind", async () => {
    const path = join(folder, "a.bin");
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    await writeFileAtomic(path, Uint8Array.of(3));
    expect([...(await readFile(path))]).toEqual([3]);
    expect(await readdir(folder)).toEqual(["a.bin"]);
  });

  it("names the file where the folder is missing", async () => {
    const path = join(folder, "missing", "a.bin");
    await expect(writeFileAtomic(path, Uint8Array.of(1))).rejects.toThrow(path);
    await expect(writeFileAtomic(path, Uint8Array.of(1))).rejects.toMatchObject({ code: "write-failed" });
  });

  it("removes its temporary file and leaves what was there when the rename fails", async () => {
    const path = join(folder, "taken");
    await mkdir(path);
    await writeFile(join(path, "old"), "old");
    await expect(writeFileAtomic(path, Uint8Array.of(1))).rejects.toMatchObject({ code: "write-failed" });
    expect(await readdir(folder)).toEqual(["taken"]);
    expect(await readFile(join(path, "old"), "utf8")).toBe("old");
  });

  it("removes its temporary file and leaves the old one when the bytes cannot be written", async () => {
    const path = join(folder, "a.bin");
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    const unwritable = { length: 3 } as unknown as Uint8Array;
    await expect(writeFileAtomic(path, unwritable)).rejects.toThrow(path);
    expect([...(await readFile(path))]).toEqual([1, 2]);
    expect(await readdir(folder)).toEqual(["a.bin"]);
  });
});

describe("checkpoints in a folder", () => {
  it("come back as they were", async () => {
    const path = await writeCheckpoint(join(folder, "new", "run"), stateAt(1234), { step: 1234 });
    expect(path).toBe(join(folder, "new", "run", "checkpoint-00001234.safetensors"));
    const { tensors, metadata } = await readCheckpoint(path);
    expect(tensors.w).toEqual(stateAt(1234).tensors.w);
    expect({ ...metadata }).toEqual({ step: "1234" });
  });

  it("are kept up to a number, the highest step being the latest", async () => {
    for (const step of [9, 10, 100, 1000]) await writeCheckpoint(folder, stateAt(step), { step, keep: 2 });
    expect((await readdir(folder)).sort()).toEqual([
      "checkpoint-00000100.safetensors",
      "checkpoint-00001000.safetensors",
    ]);
    expect(await latestCheckpoint(folder)).toBe(join(folder, "checkpoint-00001000.safetensors"));
  });

  it("are not removed for one that could not be written", async () => {
    for (const step of [1, 2]) await writeCheckpoint(folder, stateAt(step), { step });
    await mkdir(join(folder, "checkpoint-00000003.safetensors"));
    await expect(writeCheckpoint(folder, stateAt(3), { step: 3, keep: 1 })).rejects.toMatchObject({
      code: "write-failed",
    });
    expect((await readdir(folder)).length).toBe(3);
    expect((await readCheckpoint(join(folder, "checkpoint-00000002.safetensors"))).metadata.step).toBe("2");
  });

  it("of higher steps are left alone by a run that goes on from a lower one", async () => {
    for (const step of [50, 60, 7]) await writeCheckpoint(folder, stateAt(step), { step, keep: 1 });
    expect((await readdir(folder)).sort()).toEqual([
      "checkpoint-00000007.safetensors",
      "checkpoint-00000060.safetensors",
    ]);
  });

  it("are found past eight digits, and temporary or foreign files are not", async () => {
    for (const step of [99_999_999, 100_000_000]) await writeCheckpoint(folder, stateAt(step), { step });
    await writeFile(join(folder, ".checkpoint-99999999999.safetensors.1.tmp"), "");
    await writeFile(join(folder, "checkpoint-final.safetensors"), "");
    expect(await latestCheckpoint(folder)).toBe(join(folder, "checkpoint-100000000.safetensors"));
  });

  it("are undefined in an empty folder and in none", async () => {
    expect(await latestCheckpoint(folder)).toBeUndefined();
    expect(await latestCheckpoint(join(folder, "missing"))).toBeUndefined();
  });

  it("name the file when damaged or missing", async () => {
    const path = await writeCheckpoint(folder, stateAt(5), { step: 5 });
    await writeFile(path, (await readFile(path)).subarray(0, 40));
    await expect(readCheckpoint(path)).rejects.toMatchObject({ code: "checkpoint-truncated" });
    await expect(readCheckpoint(path)).rejects.toThrow(path);
    const missing = join(folder, "missing.safetensors");
    await expect(readCheckpoint(missing)).rejects.toMatchObject({ code: "checkpoint-missing" });
  });

  it("refuse a step that is none", async () => {
    await expect(writeCheckpoint(folder, stateAt(0), { step: -1 })).rejects.toThrow(RangeError);
    await expect(writeCheckpoint(folder, stateAt(0), { step: 1, keep: 0 })).rejects.toThrow(RangeError);
  });
});
