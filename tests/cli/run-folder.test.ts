import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RunFolder } from "../../src/cli/run-folder.ts";
import { createGan, dcgan, init } from "../../src/index.ts";
import { latestCheckpoint } from "../../src/io/node.ts";
import { runSession, type SessionReport } from "../../src/session/index.ts";
import { noisePictures } from "../gan/fixtures.ts";

let scratch: string;

beforeAll(async () => {
  await init({ device: "wasm", threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), "ganvil-run-"));
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("the folder of a run that goes back", () => {
  const made = () => createGan(dcgan({ size: "nano", batch: 4, kimg: 0.024 }));
  const stepsIn = async (folder: string): Promise<number[]> =>
    (await readFile(join(folder, "log.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).step);

  it("keeps no checkpoint newer than where training is, and the log of both ways", async () => {
    const gan = made();
    const folder = join(scratch, "back");
    const { run } = await RunFolder.fresh(folder);
    const trainTo = async (step: number): Promise<void> => {
      const reports: SessionReport[] = [];
      for await (const report of runSession(gan, noisePictures(), { tickKimg: 1 })) {
        reports.push(report);
        if (report.step === step) break;
      }
      await run.log(reports);
      await run.checkpoint(gan);
    };
    await trainTo(2);
    const earlier = await gan.state();
    await trainTo(4);
    await trainTo(5);
    expect(await latestCheckpoint(folder)).toMatch(/checkpoint-00000005/);
    gan.restore(earlier);
    await run.checkpoint(gan);
    expect(await latestCheckpoint(folder)).toMatch(/checkpoint-00000002/);
    await trainTo(3);
    expect(await latestCheckpoint(folder)).toMatch(/checkpoint-00000003/);
    expect(await stepsIn(folder)).toEqual([1, 2, 3, 4, 5, 3]);
    // Logged, but not reached by a checkpoint.
    const reports: SessionReport[] = [];
    for await (const report of runSession(gan, noisePictures(), { tickKimg: 1 })) reports.push(report);
    await run.log(reports);
    expect(await stepsIn(folder)).toEqual([1, 2, 3, 4, 5, 3, 4, 5, 6]);
    const resumed = made();
    expect((await RunFolder.resume(folder, resumed)).from).toMatch(/checkpoint-00000003/);
    expect(resumed.stepsDone).toBe(3);
    expect(await stepsIn(folder)).toEqual([1, 2, 3, 4, 5, 3]);
    for (const one of [gan, resumed]) one.dispose();
  });
});
