// Photographs of faces at 64²: r3gan with adaptive augmentation against dcgan with DiffAugment, on one thread and for
// as many minutes of the processor each.
import { join } from "node:path";
import { pictureDataset, takePictures } from "../../src/data/dataset.ts";
import { imageFolder } from "../../src/data/node.ts";
import { ada } from "../../src/gan/ada.ts";
import type { ImageBytes } from "../../src/gan/batch.ts";
import {
  createGan,
  type Dataset,
  dcgan,
  type Gan,
  type GanSettings,
  init,
  r3gan,
  sample,
} from "../../src/index.ts";
import { imageGrid, type Picture } from "../../src/io/index.ts";
import { type FeatureFunction, type Features, features } from "../../src/metrics/features.ts";
import { floor } from "../../src/metrics/floor.ts";
import { kernelDistance } from "../../src/metrics/kernel-distance.ts";
import { memorization } from "../../src/metrics/memorization.ts";
import { densityCoverage } from "../../src/metrics/neighbours.ts";
import { deriveKey, permutation } from "../../src/random.ts";
import { mobileNet } from "./mobilenet.ts";
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

const resolution = 64;
/** Photographs that no network is trained on, to tell memory from likeness. */
const heldOutCount = 100;
/** Points of a curve, and samples that each is judged by; more at the end. */
const points = 5;
const samplesAtPoint = 200;
const samplesAtEnd = 1000;
/** Thousands of pictures that each is shown at most; dcgan stops after as many minutes of the processor as r3gan took. */
const contestants = {
  r3gan: {
    kimg: 150,
    // A batch half as large and few pictures: at nano's own rate it is slow to begin.
    settings: (kimg: number, seed: number): GanSettings =>
      r3gan({ resolution, kimg, seed, batch: 16, every: 4, learningRate: [2e-3, 1e-4], augment: ada() }),
  },
  dcgan: {
    kimg: 410,
    settings: (kimg: number, seed: number): GanSettings => dcgan({ resolution, kimg, seed }),
  },
} as const;
export type Contestant = keyof typeof contestants;

interface Photographs {
  readonly trained: ImageBytes;
  readonly heldOut: ImageBytes;
  readonly data: Dataset;
}

/** Photographs to train on and to hold out, the same ones for every seed. */
async function photographs(folder: string, seed: number): Promise<Photographs> {
  const all = await takePictures(await imageFolder(folder, { resolution, mirror: false }));
  const order = permutation(all.shape[0], deriveKey(0, "held out"));
  const heldOut = picked(all, order.subarray(0, heldOutCount));
  const trained = picked(all, order.subarray(heldOutCount));
  const data = pictureDataset({
    pictures: trained.data,
    count: trained.shape[0],
    resolution,
    channels: 3,
    seed,
  });
  return { trained, heldOut, data };
}

function picked({ data, shape }: ImageBytes, rows: Uint32Array): ImageBytes & { readonly data: Uint8Array } {
  const [, height, width, channels] = shape;
  const size = height * width * channels;
  const bytes = new Uint8Array(rows.length * size);
  for (const [to, from] of rows.entries())
    bytes.set(data.subarray(from * size, (from + 1) * size), to * size);
  return { data: bytes, shape: [rows.length, height, width, channels] };
}

/** One set of pictures behind the other. */
function joined(a: ImageBytes, b: ImageBytes): ImageBytes {
  const data = new Uint8Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  const [, height, width, channels] = a.shape;
  return { data, shape: [a.shape[0] + b.shape[0], height, width, channels] };
}

/** Rows of pictures, `left` in the first half of each and `right` in the second. */
function sideBySide(left: ImageBytes, right: ImageBytes): Picture {
  const half = 8;
  const count = left.shape[0];
  const order = Array.from({ length: 2 * count }, (_, at) => {
    const [row, column] = [Math.floor(at / (2 * half)), at % (2 * half)];
    return row * half + (column % half) + (column < half ? 0 : count);
  });
  return imageGrid(picked(joined(left, right), Uint32Array.from(order)), { columns: 2 * half });
}

interface Trained {
  readonly gan: Gan;
  readonly curve: readonly CurvePoint[];
}

/** What both are judged by. */
interface Judge {
  readonly features: FeatureFunction;
  readonly photographs: Photographs;
  /** Of all photographs, of those trained on, and of those held out. */
  readonly real: Features;
  readonly trained: Features;
  readonly heldOut: Features;
}

export async function judgeOf(data: string, seed: number): Promise<Judge> {
  const shown = await photographs(join(data, "faces"), seed);
  const network = await mobileNet(join(data, "features"));
  const trained = await features(network, shown.trained);
  const heldOut = await features(network, shown.heldOut);
  const real = {
    ...trained,
    count: trained.count + heldOut.count,
    rows: new Float32Array(trained.rows.length + heldOut.rows.length),
  };
  real.rows.set(trained.rows);
  real.rows.set(heldOut.rows, trained.rows.length);
  return { features: network, photographs: shown, real, trained, heldOut };
}

/** @param kimg of r3gan; dcgan's follows. Default: the proof's own. */
export function settingsOf(
  name: Contestant,
  seed: number,
  kimg: number = contestants.r3gan.kimg,
): GanSettings {
  const { kimg: usual, settings } = contestants[name];
  return settings((usual * kimg) / contestants.r3gan.kimg, seed);
}

/** Trains one of the two, or goes on with it. */
export async function contest(name: Contestant, options: ProofOptions, judge: Judge): Promise<Trained> {
  const { seed, runs, cpuMinutes } = options;
  const gan = createGan(settingsOf(name, seed, options.kimg));
  const { kimg } = gan.settings;
  const curve = await trainRun(gan, judge.photographs.data, {
    name,
    folder: join(runs, `faces-${name}-${kimg}-${seed}`),
    ...{ every: kimg / points, cpuMinutes },
    evaluate: async () => {
      const drawn = await features(judge.features, await sample(gan, { count: samplesAtPoint, seed: 1 }));
      return { kidMobileNet: rounded((await kernelDistance(drawn, judge.real)).value) };
    },
  });
  return { gan, curve };
}

async function figuresOf({ gan }: Trained, judge: Judge): Promise<Figures> {
  const { kimg } = gan.settings;
  const pictures = await sample(gan, { count: samplesAtEnd, seed: 1 });
  const drawn = await features(judge.features, pictures);
  const { density, coverage } = await densityCoverage(drawn, judge.real);
  const { pairs, ...memory } = await memorization(drawn, judge.trained, judge.heldOut);
  return {
    ...{ kid: await kernelDistance(drawn, judge.real), density, coverage, memorization: memory },
    nearestDistance: rounded(pairs[0].trainDistance),
    ...{ kimg: gan.imagesSeen / 1000, plannedKimg: kimg, controls: gan.controls },
  };
}

/** Writes grid and figures of both. */
export async function record(
  { name, seed, kimg }: ProofOptions,
  judge: Judge,
  trained: Readonly<Record<Contestant, Trained>>,
): Promise<void> {
  const { r3gan: ours, dcgan: rival } = trained;
  const shown = { count: 32 };
  await writePicture(name, sideBySide(await sample(ours.gan, shown), await sample(rival.gan, shown)));
  const ends = [ours, rival].map(({ curve }) => curve[curve.length - 1]);
  await writeProof(name, {
    command: commandOf({ name, seed, kimg }),
    seeds: [seed],
    minutes: rounded(ends[0].minutes + ends[1].minutes, 2),
    cpuMinutes: rounded(ends[0].cpuMinutes + ends[1].cpuMinutes, 2),
    curves: { r3gan: ours.curve, dcgan: rival.curve },
    figures: {
      floor: await floor(judge.real, kernelDistance),
      r3gan: await figuresOf(ours, judge),
      dcgan: await figuresOf(rival, judge),
    },
  });
}

async function run(options: ProofOptions): Promise<void> {
  await init({ device: "wasm", threads: 1 });
  const judge = await judgeOf(options.data, options.seed);
  const ours = await contest("r3gan", options, judge);
  const { cpuMinutes } = ours.curve[ours.curve.length - 1];
  const rival = await contest("dcgan", { ...options, cpuMinutes }, judge);
  await record(options, judge, { r3gan: ours, dcgan: rival });
}

export const faces: Proof = {
  summary:
    "r3gan with ADA against dcgan with DiffAugment on photographs of faces, for as many minutes of the processor each",
  run,
};
