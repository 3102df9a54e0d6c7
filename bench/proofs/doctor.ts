// Nine short runs: six with a planted fault that the doctor must find, and three healthy ones that it must be silent about.
import { join } from "node:path";
import { mul, relu, reshape, sub, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { pictureDataset, takePictures } from "../../src/data/index.ts";
import { imageFolder } from "../../src/data/node.ts";
import type { Dataset, FindingKind, Gan, GanSettings, ImageBytes } from "../../src/index.ts";
import { createGan, dcgan, dense, doctor, init, network, r1, r3gan, sample, train } from "../../src/index.ts";
import { imageGrid } from "../../src/io/index.ts";
import { type Digits, readDigits, resolution } from "./digits.ts";
import {
  commandOf,
  type Figures,
  type Proof,
  type ProofOptions,
  rounded,
  writePicture,
  writeProof,
} from "./proof.ts";
import { minutesSince, startClock } from "./run.ts";

/** A run of the proof. */
interface Case {
  readonly name: string;
  /** What must be found; of healthy runs nothing. */
  readonly planted?: FindingKind;
  readonly settings: GanSettings;
  readonly data: Dataset;
  readonly heldOut: Dataset;
  /** Called after each step. */
  readonly meddle?: (gan: Gan) => Promise<void>;
  readonly rollback?: boolean;
}

const widths = [48, 24, 16];
/** Pictures held out. */
const held = 128;
/** Thousands of pictures between checkups. */
const every = 0.4;

const part = (pictures: Uint8Array, from: number, count: number, channels: number): Dataset => {
  const bytes = resolution * resolution * channels;
  return pictureDataset({
    ...{ pictures: pictures.subarray(from * bytes, (from + count) * bytes), count },
    ...{ resolution, channels, mirror: false },
  });
};

const classNames = Array.from({ length: 10 }, (_, digit) => String(digit));

/** Digits with their classes; `mark` paints each class's grey level over one pixel in the corner. */
function labelled({ pictures, labels }: Digits, from: number, count: number, mark: boolean): Dataset {
  const bytes = resolution * resolution;
  const data = pictures.data.slice(from * bytes, (from + count) * bytes);
  const classes = labels.slice(from, from + count);
  if (mark) for (const [i, label] of classes.entries()) data[i * bytes] = 25 * label;
  const shape = { resolution, channels: 1, mirror: false } as const;
  return pictureDataset({ pictures: data, count, ...shape, labels: classes, classNames });
}

/** A discriminator whose hidden units are all below 0, where ReLU passes nothing on. */
const deadUnits = (pixels: number) =>
  network(1, "discriminator", (to) => {
    const hidden = dense(to, "hidden", { inputs: pixels, outputs: 32 });
    const logit = dense(to, "logit", { inputs: 32, outputs: 1 });
    return (x, mode) => logit(relu(sub(hidden(reshape(x, [x.shape[0], -1]), mode), 100)), mode);
  });

/** Settings whose generator is told nothing of its latents. */
function deafGenerator(settings: GanSettings): GanSettings {
  const { generator } = settings;
  const deaf = {
    ...generator,
    apply: (z: Tensor, ...rest: never[]) =>
      apply(
        tidy(() => mul(z, 0)),
        ...rest,
      ),
  };
  const apply = generator.apply as (z: Tensor, ...rest: never[]) => Tensor;
  return { ...settings, generator: deaf as GanSettings["generator"] };
}

/** Makes one weight of the generator NaN at a step. */
function spoil(at: number): (gan: Gan) => Promise<void> {
  let done = false;
  return async (gan) => {
    if (done || gan.stepsDone < at) return;
    done = true;
    const state = await gan.state();
    const [name] = Object.keys(state.tensors).filter((key) => key.startsWith("generator/"));
    const data = Float32Array.from(state.tensors[name].data);
    data[0] = Number.NaN;
    gan.restore({ ...state, tensors: { ...state.tensors, [name]: { ...state.tensors[name], data } } });
  };
}

async function casesOf({ data, seed, kimg = 4 }: ProofOptions): Promise<Case[]> {
  const digits = await readDigits(join(data, "mnist"), "train");
  const faces = await imageFolder(join(data, "faces"), { resolution, mirror: false });
  const all = (await takePictures(faces)).data as Uint8Array;
  const known = faces.size - held;
  const pictures = { data: part(all, 0, known, 3), heldOut: part(all, known, held, 3) };
  const ofDigits = (count: number) => ({
    data: part(digits.pictures.data, 0, count, 1),
    heldOut: part(digits.pictures.data, 50_000, held, 1),
  });
  const ofClasses = (mark: boolean) => ({
    data: labelled(digits, 0, 5000, mark),
    heldOut: labelled(digits, 50_000, held, mark),
  });
  const options = { widths, kimg, seed, batch: 32 } as const;
  const grey = { ...options, channels: 1, augment: false } as const;
  return [
    { name: "latents ignored", planted: "collapse", settings: deafGenerator(dcgan(options)), ...pictures },
    {
      ...{ name: "dead units", planted: "dead-discriminator", ...pictures },
      settings: { ...dcgan(options), discriminator: deadUnits(resolution * resolution * 3) },
    },
    {
      ...{ name: "learning rate × 100", planted: "large-steps", ...pictures },
      settings: dcgan({ ...options, kimg: kimg / 4, learningRate: [5e-2, 2e-2] }),
    },
    {
      ...{ name: "a pixel that tells the class", planted: "label-leak", ...ofClasses(true) },
      settings: dcgan({ ...grey, kimg: kimg / 4, classes: 10 }),
    },
    {
      ...{ name: "a weight made NaN, going back", planted: "non-finite", ...pictures, rollback: true },
      ...{ settings: dcgan({ ...options, kimg: kimg / 2 }), meddle: spoil(40) },
    },
    {
      name: "50 digits",
      planted: "overfitting",
      settings: dcgan({ ...grey, kimg: 2 * kimg }),
      ...ofDigits(50),
    },
    { name: "healthy: dcgan, faces", settings: dcgan(options), ...pictures },
    {
      ...{ name: "healthy: dcgan with R1, digits by class", ...ofClasses(false) },
      settings: { ...dcgan({ ...grey, classes: 10 }), regularizers: [r1(1, { every: 4 })] },
    },
    {
      ...{ name: "healthy: r3gan, digits", ...ofDigits(5000) },
      settings: r3gan({ resolution, channels: 1, batch: 32, seed, kimg, every: 4 }),
    },
  ];
}

/** Samples of a run's picture. */
const shown = 12;

async function examine({ name, planted, settings, data, heldOut, meddle, rollback }: Case) {
  const clock = startClock();
  const gan = createGan(settings);
  const watch = doctor({ heldOut, every, rollback });
  for await (const _ of train(gan, data, { doctor: watch })) await meddle?.(gan);
  const findings = watch.findings.map(
    ({ kind, about, severity, measured, threshold, at, message, ...rest }) => {
      const numbers = { measured: rounded(measured), threshold: rounded(threshold, 7) };
      return { kind, about, severity, atKimg: at / 1000, ...numbers, message, rollback: rest.rollback };
    },
  );
  const asItShould =
    planted === undefined ? findings.length === 0 : findings.some(({ kind }) => kind === planted);
  const pictures = await sample(gan, { count: shown });
  const lastCheckup = watch.checkups[watch.checkups.length - 1];
  const figures: Figures = { name, planted, asItShould, kimg: gan.imagesSeen / 1000, findings, lastCheckup };
  gan.dispose();
  console.log(`${name}: ${asItShould ? "as it should" : "NOT AS IT SHOULD"}, ${JSON.stringify(findings)}`);
  return { figures, pictures, asItShould, ...minutesSince(clock) };
}

/** Grey pictures as coloured ones. */
function coloured({ data, shape }: ImageBytes): Uint8Array {
  return shape[3] === 3
    ? data
    : Uint8Array.from({ length: data.length * 3 }, (_, i) => data[Math.floor(i / 3)]);
}

async function prove(options: ProofOptions): Promise<void> {
  const { name, seed, kimg } = options;
  await init({ device: "wasm", threads: 1 });
  const runs: Awaited<ReturnType<typeof examine>>[] = [];
  for (const one of await casesOf(options)) runs.push(await examine(one));
  const total = (of: (run: (typeof runs)[number]) => number) =>
    rounded(
      runs.reduce((sum, run) => sum + of(run), 0),
      2,
    );
  await writeProof(name, {
    ...{ command: commandOf({ name, seed, kimg }), seeds: [seed] },
    ...{ minutes: total(({ minutes }) => minutes), cpuMinutes: total(({ cpuMinutes }) => cpuMinutes) },
    figures: {
      found: runs.slice(0, 6).filter(({ asItShould }) => asItShould).length,
      silent: runs.slice(6).filter(({ asItShould }) => asItShould).length,
      runs: runs.map(({ figures }) => figures),
    },
  });
  const bytes = runs.map(({ pictures }) => coloured(pictures));
  const data = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  for (const [row, one] of bytes.entries()) data.set(one, row * one.length);
  const shape = [shown * runs.length, resolution, resolution, 3] as const;
  await writePicture(name, imageGrid({ data, shape }, { columns: shown }));
}

export const doctorProof: Proof = {
  summary: "the doctor finds each of six planted faults and is silent about three healthy runs",
  run: prove,
};
