import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { random } from "../ops/check.ts";

const root = new URL("../..", import.meta.url).pathname;
let scratch: string;
let pictures: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-faces-"));
  pictures = join(scratch, "pictures");
  await mkdir(pictures);
  const next = random("faces command");
  const byte = () => Math.floor(next() * 256);
  for (let i = 0; i < 24; i++) {
    const background = { r: byte(), g: byte(), b: byte() };
    await sharp({ create: { width: 40, height: 36, channels: 3, background } }).toFile(
      join(pictures, `${i}.png`),
    );
  }
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; text: string }>;
}

/** Starts the command as `npm run demo:faces --` does, on the package already built. */
function start(...args: string[]): Run {
  const child = spawn(process.execPath, ["--import", "tsx", "demos/faces/train.ts", ...args], { cwd: root });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      text += chunk;
    });
  }
  return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, text }))) };
}

const train = (out: string, ...more: string[]): Run =>
  start(
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

describe("the faces command", () => {
  it("gives, killed twice and resumed, the very bytes of an uninterrupted run", async () => {
    const whole = await train("whole").ended;
    expect(whole.text).toContain("24 pictures of 32×32");
    expect(whole.text).toMatch(/on Wasm, \d+ threads?, results in/);
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
    [["--resolution", "48"], '--resolution: expected 32 or 64, got "48"'],
    [["--batch=-2"], '--batch: expected a whole number of at least 1, got "-2"'],
    [["--kimg", "many"], '--kimg: expected a number of at least 0.001, got "many"'],
    [["--recipe", "gan"], '--recipe: expected dcgan, r3gan, stylegan2 or fastgan, got "gan"'],
    [["--size", "huge"], '--size: expected nano, small or full, got "huge"'],
    [["--device", "tpu"], '--device: expected auto, wasm or webgpu, got "tpu"'],
    [["--threads", "none"], '--threads: expected a whole number of at least 1, got "none"'],
    [["--colour"], "Unknown option '--colour'"],
    [["--data", "no-such-folder"], "no-such-folder"],
  ])(
    "answers %o with one sentence",
    async (args, message) => {
      const { code, text } = await start(...args, "--out", join(scratch, "unused")).ended;
      expect(code).toBe(1);
      expect(text).toContain(message);
      expect(text).not.toContain("    at ");
    },
    60_000,
  );

  it("explains its flags on --help", async () => {
    const { code, text } = await start("--help").ended;
    expect(code).toBe(0);
    for (const flag of [
      "data",
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
