// What the metrics come to where it is known: npx tsx bench/proofs/metric-values.ts [--data DIR]
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import { takePictures } from "../../src/data/index.ts";
import { imageFolder } from "../../src/data/node.ts";
import { init } from "../../src/index.ts";
import {
  densityCoverage,
  type Features,
  features,
  floor,
  kernelDistance,
  type Measure,
  precisionRecall,
  trainFeatures,
} from "../../src/metrics/index.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { deriveKey } from "../../src/random.ts";
import { digitDataset, readDigits } from "./digits.ts";
import { mobileNet } from "./mobilenet.ts";
import { type Figures, rounded, writeProof } from "./proof.ts";
import { minutesSince, startClock } from "./run.ts";

const { values: flags } = parseArgs({ options: { data: { type: "string", default: "../shared/data" } } });

/** Of two sets of N(0, I), d = 1000, n = 10,000, k = 5. */
const published = { precision: 0.477, recall: 0.471, density: 1.056, coverage: 0.974 } as const;

async function normal(purpose: string, count: number, size: number): Promise<Features> {
  const x = randomNormal([count, size], { key: deriveKey(0, "metric values", purpose) }) as Tensor2D;
  const rows = await x.data<"float32">();
  x.dispose();
  return { name: "N(0,I)", count, size, rows };
}

const figure = ({ value, interval }: Measure) => ({
  value: rounded(value),
  interval: interval?.map((bound) => rounded(bound)),
});

async function gaussians(): Promise<Figures> {
  const [a, b] = [await normal("a", 10_000, 1000), await normal("b", 10_000, 1000)];
  const found = { ...(await precisionRecall(a, b, { k: 5 })), ...(await densityCoverage(a, b, { k: 5 })) };
  const entries = Object.entries(found).map(([name, measure]) => [
    name,
    { published: published[name as keyof typeof published], ...figure(measure) },
  ]);
  return Object.fromEntries(entries);
}

async function classifier(data: string): Promise<Figures> {
  const digits = digitDataset(await readDigits(join(data, "mnist"), "train"), 0);
  const clock = startClock();
  const network = await trainFeatures(digits, { name: "digits", task: "labels" });
  const { cpuMinutes } = minutesSince(clock);
  const held = await readDigits(join(data, "mnist"), "t10k");
  const accuracy = await network.accuracy(held.pictures, held.labels);
  network.dispose();
  return { network: network.name, accuracy, cpuMinutes: rounded(cpuMinutes, 2) };
}

/** Photographs against photographs, and against their own negatives. */
async function faces(data: string): Promise<Figures> {
  const judge = await mobileNet(join(data, "features"));
  const pictures = await takePictures(await imageFolder(join(data, "faces"), { resolution: 32, seed: 0 }));
  const real = await features(judge, pictures);
  const negatives = await features(judge, { ...pictures, data: pictures.data.map((value) => 255 - value) });
  const halves = await floor(real, kernelDistance);
  return {
    metric: halves.metric,
    realAgainstReal: figure(halves),
    negativesAgainstReal: figure(await kernelDistance(negatives, real)),
  };
}

async function main(): Promise<void> {
  await init();
  const data = resolve(flags.data);
  const clock = startClock();
  const figures: Record<string, Figures> = {};
  for (const [name, part] of Object.entries({ gaussians, classifier, faces })) {
    figures[name] = await part(data);
    console.log(name, JSON.stringify(figures[name], null, 2));
  }
  const spent = minutesSince(clock);
  await writeProof("metric-values", {
    ...{ command: "npx tsx bench/proofs/metric-values.ts", seeds: [0] },
    ...{ minutes: rounded(spent.minutes, 2), cpuMinutes: rounded(spent.cpuMinutes, 2), figures },
  });
}

await main();
