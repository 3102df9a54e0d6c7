import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { random } from "../ops/check.ts";
import { type Run, start } from "./command.ts";

let scratch: string;
let pictures: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-train-"));
  pictures = join(scratch, "pictures");
  await mkdir(pictures);
  const next = random("train command");
  const byte = () => Math.floor(next() * 256);
  for (let i = 0; i < 24; i++) {
    const background = { r: byte(), g: byte(), b: byte() };
    await sharp({ create: { width: 40, height: 36, channels: 3, background } }).toFile(
      join(pictures, `${i}.png`),
    );
  }
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

const train = (out: string, ...more: string[]): Run =>
  start(
    "train",
    "--data",
    pictures,
    "--batch",
    "4",
    "--kimg",
    "0.16",
    "--seed",
    "7",
    "--out",
    join(scratch, out),
    ...more,
  );

/** Every file of a run by name; of the log, all that does not depend on the clock. */
async function results(out: string): Promise<Record<string, string>> {
  const folder = join(scratch, out);
  const files: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) {
    if (name !== "log.jsonl") files[name] = (await readFile(join(folder, name))).toString("base64");
    else
      files[name] = (await readFile(join(folder, name), "utf8")).replaceAll(/,"imagesPerSecond":[\d.]+/g, "");
  }
  return files;
}

/** Resolves when the run has written a file whose name matches, or has ended. */
async function wrote(out: string, name: RegExp, { child }: Run): Promise<void> {
  while (child.exitCode === null) {
    const present = await readdir(join(scratch, out)).catch(() => []);
    if (present.some((file) => name.test(file))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("ganvil train", () => {
  it("gives, killed twice and resumed, the very bytes of an uninterrupted run", async () => {
    const whole = await train("whole").ended;
    expect(whole.text).toContain("24 pictures of 32×32");
    expect(whole.text).toMatch(/on Wasm, \d+ threads?, results in/);
    expect(whole.text).toMatch(/The doctor found/);
    expect(whole.code).toBe(0);
    for (const name of [/^samples-00000056\.png$/, /^checkpoint-00000030\.safetensors/]) {
      // The number of threads changes no bit.
      const run = train("killed", "--resume", "--threads", "1");
      await wrote("killed", name, run);
      run.child.kill("SIGKILL");
      await run.ended;
    }
    const last = await train("killed", "--resume").ended;
    expect(last.text).toContain("Going on from");
    expect(last.code).toBe(0);
    const expected = await results("whole");
    expect(Object.keys(expected)).toContain("checkpoint-00000040.safetensors");
    expect(await results("killed")).toEqual(expected);
  }, 120_000);

  it("finishes the step, writes a checkpoint and exits at Ctrl-C", async () => {
    const run = train("stopped", "--kimg", "2");
    await wrote("stopped", /^checkpoint-.*safetensors$/, run);
    run.child.kill("SIGINT");
    const { code, text } = await run.ended;
    expect(code).toBe(0);
    expect(text).toContain("add --resume to the same command to go on");
  }, 60_000);

  it("moves earlier results aside instead of overwriting them", async () => {
    await train("again", "--kimg", "0.004").ended;
    const { text } = await train("again", "--kimg", "0.004").ended;
    expect(text).toMatch(/earlier results are now in .*again-1/);
    expect(await readdir(join(scratch, "again-1"))).toContain("log.jsonl");
  }, 60_000);

  it("refuses to resume with other options, and says which", async () => {
    await train("other", "--kimg", "0.004").ended;
    const { code, text } = await train("other", "--kimg", "0.008", "--resume").ended;
    expect(code).toBe(1);
    expect(text).toContain('"kimg":0.004');
  }, 60_000);

  it.each([
    [["--resolution", "48"], "dcgan: expected resolution 32 or 64, got 48"],
    [["--resolution", "big"], '--resolution: expected a whole number of at least 1, got "big"'],
    [["--batch=-2"], '--batch: expected a whole number of at least 1, got "-2"'],
    [["--kimg", "many"], '--kimg: expected a number of at least 0.001, got "many"'],
    [["--recipe", "gan"], '--recipe: expected dcgan, r3gan, stylegan2, fastgan, sngan or wgan-gp, got "gan"'],
    [["--size", "huge"], '--size: expected nano, small or full, got "huge"'],
    [["--augment", "mixup"], '--augment: expected none, diffaugment, ada or apa, got "mixup"'],
    [["--rollback", "0.5"], '--rollback: expected a whole number of at least 0, got "0.5"'],
    [["--device", "tpu"], '--device: expected auto, wasm or webgpu, got "tpu"'],
    [["--threads", "none"], '--threads: expected a whole number of at least 1, got "none"'],
    [["--colour"], "Unknown option '--colour'"],
    [["--data", "no-such-folder"], "no-such-folder"],
  ])(
    "answers %o with one sentence",
    async (args, message) => {
      const { code, text } = await train("unused", ...args).ended;
      expect(code).toBe(1);
      expect(text).toContain(message);
      expect(text).not.toContain("    at ");
    },
    60_000,
  );

  it("asks for pictures", async () => {
    const { code, text } = await start("train").ended;
    expect(code).toBe(1);
    expect(text).toContain("--data: expected a folder of pictures");
  });

  it("learns classes from folders, and prints and logs what the doctor finds wrong with them", async () => {
    const next = random("stamped classes");
    for (const label of [0, 1]) {
      await mkdir(join(scratch, "stamped", `${label}`), { recursive: true });
      for (let i = 0; i < 30; i++) {
        const noise = Uint8Array.from({ length: 32 * 32 * 3 }, () => Math.floor(next() * 256));
        // Four pixels of a corner tell the class.
        for (const at of [0, 3, 96, 99]) noise.fill(255 * label, at, at + 3);
        await sharp(noise, { raw: { width: 32, height: 32, channels: 3 } }).toFile(
          join(scratch, "stamped", `${label}`, `${i}.png`),
        );
      }
    }
    const { code, text } = await train(
      "found",
      "--data",
      join(scratch, "stamped"),
      "--classes",
      "--no-mirror",
    ).ended;
    expect(text).toContain("60 pictures of 32×32 of 2 classes");
    expect(text).toMatch(/fault: The class explains .* Crop or paint over the mark/);
    expect(text).toContain("The doctor found: label-leak");
    expect(code).toBe(0);
    const log = await readFile(join(scratch, "found", "log.jsonl"), "utf8");
    const findings = log
      .split("\n")
      .flatMap((line) => (line === "" ? [] : (JSON.parse(line).findings ?? [])));
    expect(findings.map(({ kind }: { kind: string }) => kind)).toContain("label-leak");
  }, 60_000);

  it("explains its flags on --help", async () => {
    const { code, text } = await start("train", "--help").ended;
    expect(code).toBe(0);
    for (const flag of [
      "data",
      "classes",
      "no-mirror",
      "augment",
      "rollback",
      "recipe",
      "size",
      "resolution",
      "batch",
      "kimg",
      "seed",
      "device",
      "threads",
      "out",
      "resume",
      "help",
    ]) {
      expect(text).toContain(`--${flag}`);
    }
  });
});
