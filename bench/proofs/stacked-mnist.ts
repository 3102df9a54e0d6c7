// Stacked MNIST: how many of 1,000 modes a GAN finds, by its loss, and how many more the best one finds in longer training.
import { join } from "node:path";
import {
  createGan,
  type Gan,
  type GanSettings,
  init,
  nonSaturating,
  r3gan,
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

const contestants = ["pairing + R1 + R2", "pairing + R1", "plain"] as const;
type Contestant = (typeof contestants)[number];

/** Thousands of pictures after which the rivals stop, at the latest. */
const rivalsKimg = 60;

/** The same networks and rates for each. */
function settingsOf(contestant: Contestant, seed: number, kimg: number): GanSettings {
  const whole = r3gan({ resolution, channels: 3, every: 4, seed, kimg });
  if (contestant === "pairing + R1 + R2") return whole;
  const other = { ...whole, recipe: undefined };
  if (contestant === "plain") return { ...other, loss: nonSaturating, regularizers: [] };
  return { ...other, regularizers: whole.regularizers?.filter(({ name }) => name === "r1") };
}

/** Reads the three digits of each sample. */
async function modesOf(gan: Gan, network: FeatureNetwork, samples: number): Promise<Figures> {
  const pictures = await sample(gan, { count: samples, seed: 1 });
  const found = await stackedClasses((digits) => network.classify(digits), pictures);
  const { modes, kl } = modeCoverage(found, { classes: 1000, classifier: network.name });
  return { samples, modes: modes.value, kl: rounded(kl.value), floorOfKl: rounded(kl.floor) };
}

async function prove(options: ProofOptions): Promise<void> {
  const { name, seed, kimg = 600, runs, data } = options;
  await init({ device: "wasm", threads: 1 });
  const classifier = await digitClassifier(data, runs);
  const stacks = stackedDataset(await readDigits(join(data, "mnist"), "train"), seed);
  const lengthOf = (one: Contestant) => (one === contestants[0] ? kimg : Math.min(kimg, rivalsKimg));
  const gans = new Map(contestants.map((one) => [one, createGan(settingsOf(one, seed, lengthOf(one)))]));
  const curves: Partial<Record<Contestant, CurvePoint[]>> = {};
  // By turns, so that what a cut leaves compares; beyond the rivals in longer parts.
  const partAt = (done: number): number => (done < rivalsKimg ? 20 : 60);
  for (let goal = Math.min(partAt(0), kimg); ; goal = Math.min(goal + partAt(goal), kimg)) {
    for (const [contestant, gan] of gans) {
      const end = lengthOf(contestant);
      curves[contestant] = await trainRun(gan, stacks, {
        ...{ name: contestant, folder: join(runs, `${name}-${seed}`, contestant) },
        kimg: Math.min(goal, end),
        evaluate: () => modesOf(gan, classifier.network, goal >= end ? samplesAtEnd : samplesAtPoint),
      });
      const ends = Object.values(curves).map((curve) => curve[curve.length - 1]);
      await writeProof(name, {
        command: commandOf({ name, seed, kimg }),
        seeds: [seed],
        minutes: rounded(
          ends.reduce((sum, { minutes }) => sum + minutes, 0),
          2,
        ),
        cpuMinutes: rounded(
          ends.reduce((sum, end) => sum + end.cpuMinutes, 0),
          2,
        ),
        curves,
        figures: {
          classifier: { name: classifier.network.name, accuracyOnHeldOutDigits: classifier.accuracy },
          ...Object.fromEntries(
            Object.entries(curves).map(([one, curve]) => [one, curve[curve.length - 1].figures]),
          ),
        },
      });
    }
    if (goal === kimg) break;
  }
  const best = gans.get(contestants[0]) as Gan;
  await writePicture(name, imageGrid(await sample(best, { count: 100 }), { columns: 10 }));
}

export const stackedMnist: Proof = {
  summary:
    "1,000 modes of three digits: modes and KL by relativistic pairing with R1 + R2, and for the first 60 kimg with R1, and by the plain loss",
  run: prove,
};
