// Does training notice the rounding of minimal filtering? The same runs with direct and with filtered convolutions:
// npm run proof:filtering -- --faces DIR --features DIR
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { image, mean, type Tensor2D, type Tensor4D } from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { SingleBar } from "cli-progress";
import { takePictures } from "../../src/data/index.ts";
import { imageFolder } from "../../src/data/node.ts";
import { createGan, dcgan, init, sample, train } from "../../src/index.ts";
import { encodePng, imageGrid } from "../../src/io/index.ts";
import { type FeatureFunction, features, kernelDistance } from "../../src/metrics/index.ts";
import type { Filtering } from "../../src/wasm/planner.ts";
import { machine } from "../machine.ts";

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

/** A cut of MobileNet as features: [N, 224, 224, 3] to [N, 7, 7, 1024], averaged over space. */
async function loadFeatures(folder: string): Promise<FeatureFunction> {
  const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(folder, "model.json"), "utf8"));
  const [{ paths, weights }] = weightsManifest;
  const bytes = Uint8Array.from(await readFile(join(folder, paths[0])));
  const artifacts = { modelTopology, weightSpecs: weights, weightData: bytes.buffer };
  const model = await loadLayersModel({ load: async () => artifacts });
  // The committed figures are by this resizing.
  const apply = (x: Tensor4D) => mean(model.predict(image.resizeBilinear(x, [224, 224])) as Tensor4D, [1, 2]);
  return { name: "MobileNet", size: 1024, apply: (x) => apply(x) as Tensor2D };
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
  const real = await features(model, await takePictures(data), { batch: 25 });
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
      const found = await features(model, pictures, { batch: 25 });
      const { value: kidMobileNet } = await kernelDistance(found, real);
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
