import { appendFile, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Gan, ImageBytes } from "../index.ts";
import { encodePng, imageGrid } from "../io/index.ts";
import { latestCheckpoint, readCheckpoint, writeCheckpoint, writeFileAtomic } from "../io/node.ts";
import type { SessionReport } from "../session/index.ts";
import { UsageError } from "./flags.ts";

/** The folder of one run: grids, log and checkpoints. */
export class RunFolder {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** An empty folder; results that stand there already are moved aside, never overwritten. */
  static async fresh(folder: string): Promise<{ run: RunFolder; movedTo?: string }> {
    const present = await readdir(folder).catch(() => []);
    let movedTo: string | undefined;
    if (present.length > 0) {
      const siblings = new Set(await readdir(join(folder, "..")));
      const base = folder.replace(/\/+$/, "");
      const name = base.split("/").pop();
      let n = 1;
      while (siblings.has(`${name}-${n}`)) n++;
      movedTo = `${base}-${n}`;
      await rename(folder, movedTo);
    }
    await mkdir(folder, { recursive: true });
    return { run: new RunFolder(folder), movedTo };
  }

  /** The folder of a run to go on with. The GAN is restored and the log cut to the checkpoint's step. */
  static async resume(folder: string, gan: Gan): Promise<{ run: RunFolder; from: string | undefined }> {
    await mkdir(folder, { recursive: true });
    const run = new RunFolder(folder);
    const path = await latestCheckpoint(folder);
    if (path !== undefined) {
      const state = await readCheckpoint(path);
      const wanted = JSON.stringify(gan.settings.recipe);
      if (state.metadata.recipe !== wanted) {
        throw new UsageError(
          `--resume: ${path} was made with ${state.metadata.recipe}, and the options given make ${wanted}. Give the same options, or another --out.`,
        );
      }
      gan.restore(state);
    }
    await run.#cutLog(gan.stepsDone);
    return { run, from: path };
  }

  get #log(): string {
    return join(this.folder, "log.jsonl");
  }

  /** Adds lines to the log. */
  async log(lines: readonly SessionReport[]): Promise<void> {
    const text = lines.map(
      ({ step, kimg, losses, gradientNorms, device, notices, findings, imagesPerSecond }) =>
        JSON.stringify({
          step,
          kimg,
          losses,
          gradientNorms,
          device,
          notices: notices.length > 0 ? notices : undefined,
          findings: findings.length > 0 ? findings : undefined,
          imagesPerSecond: Number(imagesPerSecond.toFixed(1)),
        }),
    );
    await appendFile(this.#log, text.map((line) => `${line}\n`).join(""));
  }

  /** Writes a grid of samples; returns its path. */
  async grid(samples: ImageBytes, imagesSeen: number): Promise<string> {
    const path = join(this.folder, `samples-${String(imagesSeen).padStart(8, "0")}.png`);
    await writeFileAtomic(path, encodePng(imageGrid(samples, { scale: samples.shape[1] < 64 ? 2 : 1 })));
    return path;
  }

  /** Writes a checkpoint, keeping the last three; those of steps that training went back from go. Returns its path. */
  async checkpoint(gan: Gan): Promise<string> {
    const path = await writeCheckpoint(this.folder, await gan.state(), { step: gan.stepsDone });
    for (const name of await readdir(this.folder)) {
      const [, step] = name.match(/^checkpoint-(\d+)\.safetensors$/) ?? [];
      if (Number(step) > gan.stepsDone) await rm(join(this.folder, name));
    }
    return path;
  }

  /** Drops what was logged since training was last at `step`, and a line that a kill cut short. */
  async #cutLog(step: number): Promise<void> {
    const text = await readFile(this.#log, "utf8").catch(() => "");
    const lines = text.split("\n").flatMap((line) => {
      try {
        return [{ line, step: JSON.parse(line).step }];
      } catch {
        return [];
      }
    });
    // Training may have gone back: what was logged before it did stays.
    const kept = lines
      .slice(0, lines.findLastIndex((entry) => entry.step <= step) + 1)
      .map(({ line }) => line);
    await writeFileAtomic(this.#log, new TextEncoder().encode(kept.map((line) => `${line}\n`).join("")));
  }
}
