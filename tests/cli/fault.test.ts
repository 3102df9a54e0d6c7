import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fill, type Tensor4D } from "@tensorflow/tfjs-core";
import type { Dataset, Finding } from "ganvil";
import { run } from "ganvil/cli";
import { pictureDataset } from "ganvil/data";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { random } from "../ops/check.ts";

let scratch: string;
let said: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-fault-"));
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

beforeEach(() => {
  said = "";
  const say = (text: string): void => {
    said += `${text}\n`;
  };
  vi.spyOn(console, "log").mockImplementation(say);
  vi.spyOn(console, "error").mockImplementation(say);
});

afterEach(() => vi.restoreAllMocks());

const batch = 4;

/** Noise, of which step 21 is given no numbers, so many times. */
function broken(times: number): Dataset {
  const next = random("broken pictures");
  const pictures = Uint8Array.from({ length: 24 * 32 * 32 * 3 }, () => Math.floor(next() * 256));
  const whole = pictureDataset({ pictures, count: 24, resolution: 32, channels: 3 });
  let left = times;
  return {
    ...whole,
    async *batches(from) {
      for await (const taken of whole.batches(from)) {
        if (from.count !== batch || taken.cursor !== 21 * batch || left === 0) yield taken;
        else {
          left--;
          yield { ...taken, image: fill([batch, 32, 32, 3], Number.NaN) as Tensor4D };
        }
      }
    },
  };
}

/** Trains 40 steps in the folder; the exit status, and the log's lines. */
async function train(out: string, data: Dataset, ...more: string[]) {
  const folder = join(scratch, out);
  const args = ["--batch", `${batch}`, "--kimg", "0.16", "--seed", "7", "--out", folder, "--device", "wasm"];
  const code = await run(["train", ...args, ...more], { pictures: async () => data });
  const lines = (await readFile(join(folder, "log.jsonl"), "utf8")).trim().split("\n");
  const log = lines.map((line) => JSON.parse(line) as { step: number; findings?: Finding[] });
  return { code, log, files: (await readdir(folder)).sort() };
}

describe("ganvil train, of pictures that break a step", () => {
  it("goes back with --rollback, says to where and with what change, and trains to the end", async () => {
    const { code, log, files } = await train("back", broken(1), "--rollback", "1");
    expect(code, said).toBe(0);
    const [finding] = log.flatMap(({ findings = [] }) =>
      findings.filter(({ kind }) => kind === "non-finite"),
    );
    expect(finding.rollback).toMatch(/^Training went back to step \d+ and goes on with both learning rates/);
    expect(said).toContain(finding.rollback);
    expect(said).toMatch(/The doctor found: .*non-finite/);
    const to = Number(finding.rollback!.match(/step (\d+)/)![1]);
    const steps = log.map(({ step }) => step);
    const at = steps.findIndex((step, i) => step < (steps[i - 1] ?? 0) || step === steps[i - 1]);
    // The log keeps both ways: up to step 20, and anew from where training went back to.
    expect(to).toBeLessThan(20);
    expect(Math.max(...steps.slice(0, at))).toBe(20);
    expect(steps.slice(-(40 - to))).toEqual(Array.from({ length: 40 - to }, (_, i) => to + 1 + i));
    expect(files).toContain("checkpoint-00000040.safetensors");
  }, 60_000);

  it("ends without it, with a sentence, a log of what was found and the checkpoints before", async () => {
    const { code, log, files } = await train("ended", broken(1));
    expect(code).toBe(1);
    expect(said).toMatch(/step 21: .*(NaN|finite)/);
    const last = log[log.length - 1];
    expect(last.step).toBe(20);
    expect(last.findings?.map(({ kind }) => kind)).toContain("non-finite");
    expect(files.filter((name) => name.startsWith("checkpoint-"))).toContain(
      "checkpoint-00000020.safetensors",
    );
    expect(files).not.toContain("checkpoint-00000040.safetensors");
  }, 60_000);
});
