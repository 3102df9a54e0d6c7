import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGan, type Gan, init, r3gan, sample } from "ganvil";
import { imageGrid } from "ganvil/io";
import { writeCheckpoint } from "ganvil/io/node";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { start } from "./command.ts";

let scratch: string;
/** An untrained GAN of three classes, and the folder of its checkpoint. */
let gan: Gan;
let run: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-sample-"));
  run = join(scratch, "run");
  await init({ device: "wasm" });
  gan = createGan(r3gan({ classes: 3, seed: 5 }));
  await mkdir(run);
  await writeCheckpoint(run, await gan.state(), { step: 0 });
});

afterAll(async () => {
  gan.dispose();
  await rm(scratch, { recursive: true, force: true });
});

/** The values of a picture file. */
const pixels = async (path: string): Promise<number[]> => [...(await sharp(path).raw().toBuffer())];

describe("ganvil sample", () => {
  it("draws a grid as the library does from the same state and seed", async () => {
    const out = join(scratch, "grid.png");
    const { code, text } = await start("sample", "--run", run, "--count", "5", "--seed", "7", "--out", out)
      .ended;
    expect(text).toContain(`5 pictures by checkpoint-00000000.safetensors in ${out}`);
    expect(code).toBe(0);
    expect(await pixels(out)).toEqual([...imageGrid(await sample(gan, { count: 5, seed: 7 })).data]);
  }, 60_000);

  it("draws one class, each picture into a file of its own, from a checkpoint that is named", async () => {
    const out = join(scratch, "each");
    const [checkpoint] = await readdir(run);
    const args = ["--run", join(run, checkpoint), "--count", "11", "--class", "2", "--out", out];
    const { code } = await start("sample", ...args).ended;
    expect(code).toBe(0);
    const files = (await readdir(out)).sort();
    expect(files).toEqual(Array.from({ length: 11 }, (_, i) => `${String(i).padStart(2, "0")}.png`));
    const { data } = await sample(gan, { count: 11, label: 2 });
    const drawn = await Promise.all(files.map((file) => pixels(join(out, file))));
    expect(drawn.flat()).toEqual([...data]);
  }, 60_000);

  it.each([
    [[], "--run: expected a folder that `ganvil train` wrote"],
    [["--run", "no-such-run"], "--run: there is no no-such-run"],
    [["--run", "tests/cli"], "--run: there is no checkpoint in tests/cli"],
    [["--run", "package.json"], "package.json"],
    [["--count", "0"], '--count: expected a whole number of at least 1, got "0"'],
    [["--colour"], "Unknown option '--colour'"],
  ])(
    "answers %o with one sentence",
    async (args, message) => {
      const { code, text } = await start("sample", ...args, "--out", join(scratch, "unused.png")).ended;
      expect(code).toBe(1);
      expect(text).toContain(message);
      expect(text).not.toContain("    at ");
      expect(await readdir(scratch)).not.toContain("unused.png");
    },
    60_000,
  );

  it("refuses a class that there is not", async () => {
    const { code, text } = await start("sample", "--run", run, "--class", "3").ended;
    expect(code).toBe(1);
    expect(text).toContain("--class: expected a whole number from 0 to 2, got 3");
  }, 60_000);
});

describe("ganvil", () => {
  it("says what its commands are, and which one there is not", async () => {
    const [help, unknown] = await Promise.all([start("--help").ended, start("paint").ended]);
    expect(help.code).toBe(0);
    expect(unknown.code).toBe(1);
    expect(unknown.text).toContain('there is no command "paint"');
    for (const { text } of [help, unknown]) expect(text).toMatch(/ganvil train .*\n.*ganvil sample /);
    const flags = (await start("sample", "--help").ended).text;
    for (const flag of ["run", "count", "seed", "class", "out", "threads", "help"])
      expect(flags).toContain(`--${flag}`);
  }, 60_000);
});
