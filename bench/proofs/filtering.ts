// Does training notice the rounding of minimal filtering? The same runs with direct and with filtered convolutions:
// npm run proof:filtering -- --faces DIR --features DIR
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { image, mean, type Tensor, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { type LayersModel, loadLayersModel } from "@tensorflow/tfjs-layers";
import { SingleBar } from "cli-progress";
import { imageFolder } from "../../src/data/node.ts";
import type { ImageBytes } from "../../src/gan/batch.ts";
import { createGan, type Dataset, dcgan, init, sample, train } from "../../src/index.ts";
import { encodePng, imageGrid } from "../../src/io/index.ts";
import { imageBatch } from "../../src/ops/image.ts";
import type { Filtering } from "../../src/wasm/planner.ts";
import { machine } from "../machine.ts";
import { kernelDistance } from "./kernel-distance.ts";

const { values: flags } = parseArgs({
  options: {
    faces: { type: "string" },
    features: { type: "string" },
    kimg: { type: "string", default: "48" },
    seeds: { type: "string", default: "3" },
    out: { type: "string", default: "bench/proofs/filtering" },
  },
});

/** Samples that a run is judged by. */
const sampleCount = 1000;

/** A cut of MobileNet as features: [N, 224, 224, 3] to [N, 7, 7, 1024]. */
async function loadFeatures(folder: string): Promise<LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(folder, "model.json"), "utf8"));
  const [{ paths, weights }] = weightsManifest;
  const bytes = Uint8Array.from(await readFile(join(folder, paths[0])));
  const artifacts = { modelTopology, weightSpecs: weights, weightData: bytes.buffer };
  return loadLayersModel({ load: async () => artifacts });
}

/** float32 [N, 1024] row by row. */
async function featuresOf(model: LayersModel, { data, shape }: ImageBytes): Promise<Float32Array> {
  const [count, height, width, channels] = shape;
  const size = height * width * channels;
  const rows = new Float32Array(count * 1024);
  const at = 25;
  for (let start = 0; start < count; start += at) {
    const n = Math.min(at, count - start);
    const part: ImageBytes = {
      data: data.subarray(start * size, (start + n) * size),
      shape: [n, height, width, channels],
    };
    const features = tidy(() => {
      const pictures = image.resizeBilinear(imageBatch(part), [224, 224]);
      return mean(model.predict(pictures) as Tensor4D, [1, 2]) as Tensor;
    });
    rows.set(await features.data<"float32">(), start * 1024);
    features.dispose();
  }
  return rows;
}

/** Every picture of the data once, unmirrored or not as the first epoch has them. */
async function realPictures(data: Dataset): Promise<ImageBytes> {
  for await (const { image: pictures } of data.batches({ count: data.size, cursor: 0 }))
    return pictures as ImageBytes;
  throw new Error("the data gave no pictures");
}

interface Run {
  readonly filtering: Filtering;
  readonly seed: number;
  /** Kernel distance on MobileNet's features, samples against the photographs. */
  readonly kidMobileNet: number;
  readonly seconds: number;
  /** Means over the last quarter of training. */
  readonly losses: Readonly<Record<string, number>>;
}

/** The runs of an earlier call of the same length, which this one goes on from. */
async function runsSoFar(file: string, kimg: number): Promise<Run[]> {
  const earlier = await readFile(file, "utf8").then(JSON.parse, () => undefined);
  return earlier?.kimg === kimg ? earlier.runs : [];
}

async function main(): Promise<void> {
  const { faces, features: featureFolder, out } = flags;
  if (faces === undefined || featureFolder === undefined) {
    throw new Error(
      "proof: expected --faces DIR (photographs) and --features DIR (MobileNet as tfjs layers model)",
    );
  }
  const kimg = Number(flags.kimg);
  const { planner, module } = await init();
  const model = await loadFeatures(featureFolder);
  const data = await imageFolder(faces, { resolution: 32, seed: 0 });
  const real = await featuresOf(model, await realPictures(data));
  const command = `npm run proof:filtering -- --kimg ${kimg} --seeds ${flags.seeds} --faces DIR --features DIR`;
  const runs = await runsSoFar(`${out}.json`, kimg);
  const bar = new SingleBar({ format: "{bar} {value}/{total} kimg {name}", stream: process.stderr });
  for (let seed = 0; seed < Number(flags.seeds); seed++) {
    for (const filtering of [0, 2, 4] as const) {
      if (runs.some((run) => run.seed === seed && run.filtering === filtering)) continue;
      planner.filtering = filtering;
      const gan = createGan(dcgan({ kimg, seed }));
      const late: Record<string, number>[] = [];
      let seconds = 0;
      bar.start(kimg, 0, { name: `filtering ${filtering}, seed ${seed}` });
      for await (const report of train(gan, data)) {
        seconds += report.seconds;
        if (report.progress > 0.75) late.push(report.losses);
        bar.update(Math.round(report.kimg));
      }
      bar.stop();
      const pictures = await sample(gan, { count: sampleCount, seed: 1 });
      if (seed === 0) {
        await writeFile(`${out}-${filtering}.png`, encodePng(imageGrid(await sample(gan, { count: 64 }))));
      }
      gan.dispose();
      const losses = Object.fromEntries(
        Object.keys(late[0]).map((name) => [
          name,
          late.reduce((total, one) => total + one[name], 0) / late.length,
        ]),
      );
      const kidMobileNet = kernelDistance(await featuresOf(model, pictures), real, 1024);
      runs.push({ filtering, seed, kidMobileNet, seconds, losses });
      console.log(JSON.stringify(runs.at(-1)));
      const proof = {
        command,
        kimg,
        machine: machine(),
        build: module.build,
        date: new Date().toISOString(),
        runs,
      };
      await writeFile(`${out}.json`, `${JSON.stringify(proof, null, 2)}\n`);
    }
  }
}

await main();
