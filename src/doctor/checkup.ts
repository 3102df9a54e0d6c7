import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { type Dataset, type ImageBytes, isTensor } from "../gan/batch.ts";
import type { Gan } from "../gan/gan.ts";
import { sample } from "../gan/sample.ts";
import type { Report } from "../gan/train.ts";
import { imageBatch, imageBytes } from "../ops/image.ts";
import {
  balanceOf,
  type Copies,
  type Marks,
  type Measures,
  marksOf,
  type Separation,
  separation,
} from "./measures.ts";
import { median, nearest, spread, type Thumbnails, thumbnails } from "./thumbnails.ts";

/** The class of each of some pictures; `network.classify` of ganvil/metrics is one. */
export type Classify = (pictures: ImageBytes) => Promise<ArrayLike<number>>;

export interface CheckupOptions {
  /** Samples that are judged. */
  readonly samples: number;
  readonly classify?: Classify;
  /** Of what `classify` gives. */
  readonly classNames?: readonly string[];
}

/** Pictures that checkups compare with, at most. */
const mostReference = 512;
/** Fewer say nothing. */
const leastPictures = 20;
/** Pictures that the discriminator is asked of at a time. */
const asked = 64;
/** Pictures whose unlikeness stands for that of the data. */
const spreadOf = 128;
/** Numbers that marks are looked for in, at most. */
const mostNumbers = 2 ** 24;

/** Real pictures as checkups need them. */
interface Real {
  readonly pictures: ImageBytes;
  readonly labels?: readonly number[];
  readonly small: Thumbnails;
}

/** What stays the same from checkup to checkup. */
export interface Reference {
  /** Pictures of the data. */
  readonly size: number;
  readonly data: Real;
  readonly heldOut?: Real;
  readonly marks?: Marks;
  /** Distance of held-out pictures to the nearest of the data. */
  readonly usual?: number;
  readonly classes?: ArrayLike<number>;
}

async function taken(data: Dataset, most: number): Promise<Real> {
  const count = Math.min(data.size, most);
  for await (const { image, label } of data.batches({ count, cursor: 0 })) {
    const pictures = isTensor(image)
      ? { data: await imageBytes(image), shape: image.shape }
      : { data: image.data, shape: image.shape };
    if (isTensor(image)) image.dispose();
    const x = imageBatch(pictures as ImageBytes);
    try {
      return { pictures, labels: label && Array.from(label), small: await thumbnails(x) };
    } finally {
      x.dispose();
    }
  }
  throw new Error("doctor: the data ended before the first batch");
}

/** Looks at the data, once. */
export async function referenceOf(
  data: Dataset,
  heldOut: Dataset | undefined,
  { classify }: CheckupOptions,
): Promise<Reference> {
  const known = await taken(data, mostReference);
  const others = heldOut && (await taken(heldOut, mostReference));
  check(
    others === undefined || others.small.count >= leastPictures,
    () => `doctor: expected at least ${leastPictures} held-out pictures, got ${others?.small.count}`,
  );
  const usual = others && median((await nearest(others.small, known.small)).distances);
  return {
    ...{ size: data.size, data: known, heldOut: others, usual, marks: marksIn(known, data.classes) },
    classes: await classify?.(known.pictures),
  };
}

function marksIn({ pictures, labels }: Real, classes: number | undefined): Marks | undefined {
  if (labels === undefined || classes === undefined) return undefined;
  const { data, shape } = pictures;
  const [, side, , channels] = shape;
  const count = Math.min(labels.length, Math.floor(mostNumbers / (side * side * channels)));
  return marksOf(data, labels.slice(0, count), { side, channels, classes });
}

/** Logits of pictures, with the running statistics. */
async function logits(gan: Gan, { pictures, labels }: Pick<Real, "pictures" | "labels">): Promise<number[]> {
  const [count, ...size] = pictures.shape;
  const width = pictures.data.length / count;
  const found: number[] = [];
  for (let start = 0; start < count; start += asked) {
    const end = Math.min(count, start + asked);
    const part = {
      data: pictures.data.subarray(start * width, end * width),
      shape: [end - start, ...size] as const,
    };
    const values = await gan.surviving(async () => {
      const x = imageBatch(part as ImageBytes);
      const y = gan.critique(x, labels?.slice(start, end));
      x.dispose();
      try {
        return await y.data<"float32">();
      } finally {
        y.dispose();
      }
    });
    found.push(...values);
  }
  return found;
}

/** The first of some pictures. */
function first({ pictures, labels }: Real, most: number): Pick<Real, "pictures" | "labels"> {
  const [count, ...size] = pictures.shape;
  const kept = Math.min(count, most);
  const data = pictures.data.subarray(0, (pictures.data.length / count) * kept);
  return { pictures: { data, shape: [kept, ...size] }, labels: labels?.slice(0, kept) };
}

/** Measures samples against the data. */
export async function checkup(
  gan: Gan,
  report: Report,
  reference: Reference,
  { samples: count, classify, classNames = [] }: CheckupOptions,
  stepSizes: Measures["stepSizes"],
): Promise<Measures> {
  const { classes } = gan.settings;
  const { data, heldOut, usual = Number.NaN, marks } = reference;
  const labels = classes > 0 ? Array.from({ length: count }, (_, i) => i % classes) : undefined;
  const pictures = await sample(gan, { count });
  const x = imageBatch(pictures);
  const small = await thumbnails(x);
  x.dispose();
  const labelled = (real: Real) => ({ ...real, labels: classes > 0 ? real.labels : undefined });
  const onData = await logits(gan, first(labelled(data), spreadOf));
  const onSamples = await logits(gan, { pictures, labels });
  const onOthers = heldOut && (await logits(gan, first(labelled(heldOut), spreadOf)));
  const { ada, apa = ada } = report.controls;
  return {
    at: report.imagesSeen,
    progress: report.progress,
    diversity: relativeSpread(small, data, labels),
    discernment: separation(onData, onSamples),
    familiarity: onOthers && familiarityOf(onData, onOthers),
    copies: heldOut && (await copiesAmong(small, { data: data.small, heldOut: heldOut.small, usual })),
    passes: report.imagesSeen / reference.size,
    signs: report.signals.realSign ?? Number.NaN,
    strength: apa,
    stepSizes,
    marks,
    balance:
      classify && reference.classes && balanceOf(reference.classes, await classify(pictures), classNames),
  };
}

function familiarityOf(known: readonly number[], others: readonly number[]): Separation {
  const [n, m] = [known.length, others.length];
  return { value: separation(known, others), error: Math.sqrt((n + m + 1) / (12 * n * m)) };
}

/** Of samples over that of the data, class by class where there are some. */
function relativeSpread(samples: Thumbnails, { small, labels }: Real, drawn: number[] | undefined) {
  const values = small.values.subarray(0, (small.values.length / small.count) * spreadOf);
  const data = { ...small, count: Math.min(small.count, spreadOf), values };
  const compared = (ofSamples?: readonly number[], ofData?: readonly number[]) => {
    const [a, b] = [spread(samples, ofSamples), spread(data, ofData)];
    return { mean: a.mean / b.mean, nearest: a.nearest / b.nearest };
  };
  const byClass = drawn && compared(drawn, labels);
  // Of many classes no two pictures may be of one.
  return byClass !== undefined && Number.isFinite(byClass.mean) ? byClass : compared();
}

async function copiesAmong(
  samples: Thumbnails,
  {
    data,
    heldOut,
    usual,
  }: { readonly data: Thumbnails; readonly heldOut: Thumbnails; readonly usual: number },
): Promise<Copies> {
  const compared = Math.min(data.count, heldOut.count);
  const near = (await nearest(samples, data, compared)).distances;
  const far = (await nearest(samples, heldOut, compared)).distances;
  const nearer = near.reduce((sum, distance, i) => sum + (1 + Math.sign(far[i] - distance)) / 2, 0);
  const closest = median((await nearest(samples, data)).distances);
  return { nearer: nearer / samples.count, closeness: closest / usual, samples: samples.count };
}

/** Weights of each network at one moment. */
export type Weights = Readonly<Record<string, readonly Float32Array[]>>;

export async function weightsOf(gan: Gan): Promise<Weights> {
  const players = Object.entries(gan.game.players).map(async ([name, { network }]) => {
    const variables: Variable[] = Object.values(network.parameters);
    return [
      name,
      await Promise.all(variables.map((variable: Tensor) => variable.data<"float32">())),
    ] as const;
  });
  return Object.fromEntries(await gan.surviving(() => Promise.all(players)));
}

/** Norm of the change of each network's weights over that of the weights. */
export function changes(before: Weights, after: Weights): Measures["stepSizes"] {
  const entries = Object.keys(before).map((name) => {
    let [change, norm] = [0, 0];
    for (const [i, values] of before[name].entries()) {
      for (let k = 0; k < values.length; k++) {
        change += (after[name][i][k] - values[k]) ** 2;
        norm += values[k] ** 2;
      }
    }
    return [name, Math.sqrt(change / norm)];
  });
  return Object.fromEntries(entries);
}
