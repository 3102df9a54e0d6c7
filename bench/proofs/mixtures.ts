// Ring and grid of Gaussians: every loss with none, one and both penalties, and longer runs of the best.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type AdversarialLoss,
  createGan,
  hinge,
  init,
  leastSquares,
  nonSaturating,
  r1,
  r2,
  relativisticPairing,
  train,
  wasserstein,
} from "../../src/index.ts";
import { writeFileAtomic } from "../../src/io/node.ts";
import * as mixtures from "./gaussians.ts";
import {
  type Coverage,
  coverage,
  drawPoints,
  type Mixture,
  mixtureDataset,
  mixtureGan,
  penalties,
} from "./gaussians.ts";
import { commandOf, type Proof, type ProofOptions, rounded, writePicture, writeProof } from "./proof.ts";
import { minutesSince, startClock } from "./run.ts";
import { scatterPlot } from "./scatter.ts";

const losses: readonly AdversarialLoss[] = [
  relativisticPairing,
  nonSaturating,
  leastSquares,
  hinge,
  wasserstein,
];

const penaltySets = { none: [], r1: [r1], "r1 + r2": [r1, r2] } as const;
type PenaltySet = keyof typeof penaltySets;

/** Points that a run is judged by. */
const samples = 25_000;

interface Row extends Coverage {
  readonly loss: string;
  readonly penalties: PenaltySet;
  readonly seed: number;
  readonly kimg: number;
  readonly minutes: number;
  readonly cpuMinutes: number;
  /** Why there are no figures of a run that was not finite. */
  readonly failed?: string;
}

interface Job {
  readonly loss: AdversarialLoss;
  readonly penalties: PenaltySet;
  readonly seed: number;
  readonly mixture: Mixture;
  readonly steps: number;
}

async function trained(job: Job): Promise<{ row: Row; points: Float32Array }> {
  const { loss, penalties: set, seed, mixture, steps } = job;
  const regularizers = penalties(mixture, penaltySets[set]);
  const gan = createGan(mixtureGan(mixture, { loss, regularizers, seed, steps }));
  const clock = startClock();
  let failed: string | undefined;
  try {
    for await (const _ of train(gan, mixtureDataset(mixture, seed)));
  } catch (error) {
    // Critics without a bound on their slope may grow past what is finite: a result, too.
    failed = (error as Error).message;
  }
  const { minutes, cpuMinutes } = minutesSince(clock);
  const points = await drawPoints(gan, samples);
  const kimg = gan.imagesSeen / 1000;
  gan.dispose();
  const { modes, within } = coverage(mixture, points);
  const figures = { modes, within: rounded(within), kimg };
  const times = { minutes: rounded(minutes, 2), cpuMinutes: rounded(cpuMinutes, 2) };
  return { row: { loss: loss.name, penalties: set, seed, ...figures, ...times, failed }, points };
}

/** Results of an earlier call, by the run that they are of. */
async function rowsSoFar(file: string): Promise<Record<string, { row: Row; points: number[] }>> {
  return readFile(file, "utf8").then(JSON.parse, () => ({}));
}

async function prove(mixture: Mixture, options: ProofOptions): Promise<void> {
  const { name, seed, kimg, runs } = options;
  await init({ device: "wasm", threads: 1 });
  const longer = { ...mixture, ...mixture.long };
  const longSteps = kimg === undefined ? longer.steps : Math.ceil((kimg * 1000) / longer.batch);
  const long = [0, 1, 2].map((more): Job => {
    const best = { loss: relativisticPairing, penalties: "r1 + r2" } as const;
    return { ...best, seed: seed + more, mixture: longer, steps: longSteps };
  });
  const short = losses.flatMap((loss) =>
    Object.keys(penaltySets).map((set): Job => {
      return { loss, penalties: set as PenaltySet, seed, mixture, steps: mixture.steps };
    }),
  );
  const folder = join(runs, name);
  await mkdir(folder, { recursive: true });
  const file = join(folder, "rows.json");
  const done = await rowsSoFar(file);
  const keyOf = ({ loss, penalties: set, seed, mixture, steps }: Job): string =>
    [loss.name, set, seed, steps, mixture.batch, ...mixture.gamma].join();
  const resultsOf = (jobs: readonly Job[]) => jobs.flatMap((job) => done[keyOf(job)] ?? []);
  for (const job of [...short, ...long]) {
    const key = keyOf(job);
    if (done[key] === undefined) {
      const { row, points } = await trained(job);
      console.log(JSON.stringify(row));
      done[key] = { row, points: [...points.subarray(0, 5000)].map((value) => rounded(value, 3)) };
      await writeFileAtomic(file, new TextEncoder().encode(JSON.stringify(done)));
    }
    const results = { long: resultsOf(long), byLoss: resultsOf(short) };
    const all = [...results.long, ...results.byLoss].map(({ row }) => row);
    const total = (unit: "minutes" | "cpuMinutes") =>
      rounded(
        all.reduce((sum, row) => sum + row[unit], 0),
        2,
      );
    await writeProof(name, {
      command: commandOf({ name, seed, kimg }),
      seeds: results.long.map(({ row }) => row.seed),
      minutes: total("minutes"),
      cpuMinutes: total("cpuMinutes"),
      figures: {
        modesOf: mixture.centres.length,
        samples,
        long: results.long.map(({ row }) => row),
        byLoss: results.byLoss.map(({ row }) => row),
      },
    });
    const shown = [long[0], ...short.filter(isShown)].flatMap((job) => done[keyOf(job)] ?? []);
    const panels = shown.map(({ points }) => {
      return { points: Float32Array.from(points), centres: mixture.centres };
    });
    const extent = 1.3 * Math.max(...mixture.centres.flat());
    await writePicture(name, scatterPlot(panels, { extent, columns: panels.length }));
  }
}

/** Beside the longer run: pairing with one penalty, and the plain loss. */
const isShown = ({ loss, penalties: set }: Job): boolean =>
  (loss === relativisticPairing && set === "r1") || (loss === nonSaturating && set === "none");

const proofOf = (mixture: Mixture): Proof => ({
  summary: `${mixture.centres.length} Gaussians in a ${mixture.name}, perceptrons: at least 95 % of samples within 3σ, every mode, three seeds; and each loss with none, R1, R1 + R2`,
  run: (options) => prove(mixture, options),
});

export const ring = proofOf(mixtures.ring);
export const grid = proofOf(mixtures.grid);
