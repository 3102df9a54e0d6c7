// Stacked MNIST: how many of 1,000 modes a GAN finds, by its loss, and how many more in longer training, and with wider networks.
import { join } from "node:path";
import {
  cosine,
  createGan,
  type Gan,
  type GanSettings,
  init,
  linear,
  nonSaturating,
  r1,
  r2,
  r3gan,
  type Schedule,
  sample,
} from "../../src/index.ts";
import { imageGrid } from "../../src/io/index.ts";
import { type FeatureNetwork, modeCoverage, stackedClasses } from "../../src/metrics/index.ts";
import { digitClassifier } from "./digit-classifier.ts";
import { readDigits, resolution, stackedDataset } from "./digits.ts";
import {
  type CurvePoint,
  commandOf,
  type Figures,
  type Proof,
  type ProofOptions,
  rounded,
  writePicture,
  writeProof,
} from "./proof.ts";
import { trainRun } from "./run.ts";

/** Stacks that the end of a run is judged by, as published, and a point of its curve. */
const samplesAtEnd = 26_000;
const samplesAtPoint = 10_000;

/** The rest is r3gan nano's, the same for each. */
interface Contestant {
  readonly kimg: number;
  /** What is other than the recipe's. */
  change(whole: GanSettings): Partial<GanSettings>;
  /** Default: the recipe's. */
  readonly widths?: readonly number[];
}

const every = 4;

/** The recipe as it is; the picture shows its samples. */
const flagship = "pairing + R1 + R2";

/**
 * Parts of the wider networks' training, each by a schedule of its own that starts below the one before (warm restarts:
 * Loshchilov & Hutter 2017, arXiv 1608.03983): from when on, in thousands of pictures, and the generator's rates.
 */
const parts = [
  { from: 0, rates: [1.5e-3, 1e-4] },
  { from: 240, rates: [5e-4, 5e-5] },
  { from: 1000, rates: [1.5e-4, 3e-5] },
  { from: 1160, rates: [6e-5, 2e-5] },
] as const;
const widerKimg = 1192;

const contestants: Readonly<Record<string, Contestant>> = {
  [flagship]: { kimg: 1060, change: () => ({}) },
  "pairing + R1": {
    kimg: 60,
    change: ({ regularizers }) => ({ regularizers: regularizers?.filter(({ name }) => name === "r1") }),
  },
  plain: { kimg: 60, change: () => ({ loss: nonSaturating, regularizers: [] }) },
  // Twice as wide up to 8×8, and γ falling less: in short runs of 40 kimg each took KL from 1.25 to 1.0.
  "pairing + R1 + R2, twice as wide": { kimg: widerKimg, widths: [128, 128, 32], change: withRestarts },
};

/** By `parts`; γ, β₂ and the average's half-life change in the first of them only. */
function withRestarts(): Partial<GanSettings> {
  const rate =
    (times: number): Schedule =>
    (progress) => {
      const kimg = progress * widerKimg;
      const at = parts.findLastIndex(({ from }) => from <= kimg);
      const { from, rates } = parts[at];
      const until = parts[at + 1]?.from ?? widerKimg;
      return times * cosine(rates[0], rates[1])((kimg - from) / (until - from));
    };
  const first = parts[1].from / widerKimg;
  const inFirst =
    (schedule: Schedule, later: number): Schedule =>
    (progress) =>
      progress < first ? schedule(progress / first) : later;
  const gamma = inFirst(cosine(6.4, 1.6), 1.6);
  return {
    learningRate: { generator: rate(1), discriminator: rate(2) },
    regularizers: [r1(gamma, { every }), r2(gamma, { every })],
    beta2: inFirst(linear(0.9, 0.99), 0.99),
    averageHalfLife: inFirst(linear(0, 12_000, 0.2), 25_000),
  };
}

function settingsOf({ change, widths }: Contestant, seed: number, kimg: number): GanSettings {
  const whole = r3gan({ resolution, channels: 3, every, seed, kimg, widths });
  return { ...whole, recipe: undefined, ...change(whole) };
}

/** Reads the three digits of each sample. */
async function modesOf(gan: Gan, network: FeatureNetwork, samples: number): Promise<Figures> {
  const pictures = await sample(gan, { count: samples, seed: 1 });
  const found = await stackedClasses((digits) => network.classify(digits), pictures);
  const { modes, kl } = modeCoverage(found, { classes: 1000, classifier: network.name });
  return { samples, modes: modes.value, kl: rounded(kl.value), floorOfKl: rounded(kl.floor) };
}

async function prove(options: ProofOptions): Promise<void> {
  const { name, seed, kimg: most = Number.POSITIVE_INFINITY, runs, data } = options;
  await init({ device: "wasm", threads: 1 });
  const classifier = await digitClassifier(data, runs);
  const stacks = stackedDataset(await readDigits(join(data, "mnist"), "train"), seed);
  const entered = Object.entries(contestants).map(([contestant, one]) => {
    const kimg = Math.min(most, one.kimg);
    return { contestant, kimg, gan: createGan(settingsOf(one, seed, kimg)) };
  });
  const curves: Record<string, CurvePoint[]> = {};
  // By turns, so that what a cut leaves compares; then in longer parts.
  const partAt = (done: number): number => (done < 60 ? 20 : 60);
  const longest = Math.max(...entered.map(({ kimg }) => kimg));
  for (let goal = 0; goal < longest; ) {
    goal = Math.min(goal + partAt(goal), longest);
    for (const { contestant, kimg, gan } of entered) {
      curves[contestant] = await trainRun(gan, stacks, {
        ...{ name: contestant, folder: join(runs, `${name}-${seed}`, contestant) },
        kimg: Math.min(goal, kimg),
        evaluate: () => modesOf(gan, classifier.network, goal >= kimg ? samplesAtEnd : samplesAtPoint),
      });
      const ends = Object.entries(curves).map(([one, curve]) => ({ one, ...curve[curve.length - 1] }));
      const total = (unit: "minutes" | "cpuMinutes") =>
        rounded(
          ends.reduce((sum, end) => sum + end[unit], 0),
          2,
        );
      await writeProof(name, {
        command: commandOf({ name, seed, kimg: options.kimg }),
        seeds: [seed],
        minutes: total("minutes"),
        cpuMinutes: total("cpuMinutes"),
        curves,
        figures: {
          classifier: { name: classifier.network.name, accuracyOnHeldOutDigits: classifier.accuracy },
          ...Object.fromEntries(ends.map(({ one, figures }) => [one, figures])),
        },
      });
    }
  }
  const { gan } = entered.find(({ contestant }) => contestant === flagship)!;
  await writePicture(name, imageGrid(await sample(gan, { count: 100 }), { columns: 10 }));
}

export const stackedMnist: Proof = {
  summary:
    "1,000 modes of three digits: modes and KL by relativistic pairing with R1 + R2, and, for the first 60 kimg, with R1 and by the plain loss; and by networks twice as wide",
  run: prove,
};
