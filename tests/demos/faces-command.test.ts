import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startNode } from "../cli/command.ts";

let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-faces-"));
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("the faces command", () => {
  it("trains on drawn faces where no photographs are given, without augmentation", async () => {
    const args = ["--kimg", "0.064", "--out", join(scratch, "drawn")];
    const { code, text } = await startNode("--import", "tsx", "demos/faces/train.ts", ...args).ended;
    expect(text).toContain("2000 pictures of 32×32");
    expect(code).toBe(0);
    const files = await readdir(join(scratch, "drawn"));
    expect(files).toContain("samples-00000064.png");
    expect(files).toContain("checkpoint-00000002.safetensors");
    const again = [
      "--import",
      "tsx",
      "demos/faces/train.ts",
      ...args,
      "--resume",
      "--augment",
      "diffaugment",
    ];
    expect((await startNode(...again).ended).text).toContain('"augment":"none"');
  }, 120_000);
});
