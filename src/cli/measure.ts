// `ganvil measure`.

import { access } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { takePictures } from "../data/index.ts";
import { imageFolder } from "../data/node.ts";
import { type Dataset, type Gan, type ImageBytes, init, sample } from "../index.ts";
import { encodeSafetensors } from "../io/index.ts";
import { readCheckpoint, writeFileAtomic } from "../io/node.ts";
import { FeatureNetwork, type Features, features, trainFeatures } from "../metrics/index.ts";
import { checkpointAt, trained } from "./checkpoint.ts";
import { inTable, judged } from "./figures.ts";
import { numberOf, readFlags, UsageError } from "./flags.ts";
import { counting } from "./progress.ts";

/** Pictures, and samples, that are compared at most: some metrics take time by the square of it. */
const most = 10_000;

export const measureUsage = `ganvil measure: says how good a trained generator is, by the pictures that it learnt from.

  ganvil measure --run DIR --data DIR [options]

  --run DIR        the results of a training, or one of its checkpoints
  --data DIR       the pictures it was trained on; ${most} at random are compared with where
                   there are more
  --held-out DIR   pictures of the same kind that it was not trained on, to tell whether it copies
  --count N        pictures to draw, of classes as many each; default: as many as there are to
                   compare with
  --seed N         whole number that decides which; default 0
  --features FILE  network that pictures are compared by. Where there is no such file, one is
                   trained on --data and written there. Figures by one network compare: give the
                   same file for each run. Default: features.safetensors in the run's folder
  --features-kimg N
                   length of its training in thousands of pictures; default 20
  --threads N      threads to compute with; default: one a core, at most 8
  --help           this text

The figures are written beside the checkpoint, too, as JSON.
`;

const flagTypes = {
  run: { type: "string" },
  data: { type: "string" },
  "held-out": { type: "string" },
  count: { type: "string" },
  seed: { type: "string" },
  features: { type: "string" },
  "features-kimg": { type: "string" },
  threads: { type: "string" },
} as const;

/** Height and width that the network sees pictures at, at most: larger ones would take it long to learn from. */
const seenAt = 64;

/** Measures as `args` say. */
export async function measureCommand(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, flagTypes);
  if (flags.help) return console.log(measureUsage);
  const wholeOf = (name: "count" | "seed" | "threads", least: number) =>
    numberOf(name, flags[name], { least, whole: true });
  const [asked, seed, threads] = [wholeOf("count", 1), wholeOf("seed", 0) ?? 0, wholeOf("threads", 1)];
  const kimg = numberOf("features-kimg", flags["features-kimg"], { least: 0.001 }) ?? 20;
  const checkpoint = await checkpointAt(flags.run);
  const { data: folder, "held-out": heldOutFolder } = flags;
  if (folder === undefined) throw new UsageError("--data: expected the folder that it was trained on.");
  await init({ device: "wasm", threads });
  const gan = await trained(checkpoint);
  const { resolution } = gan.settings;
  const data = await picturesFor(gan, folder, resolution);
  const heldOut = heldOutFolder === undefined ? undefined : await picturesFor(gan, heldOutFolder, resolution);
  const network = await networkAt(flags.features ?? join(dirname(checkpoint), "features.safetensors"), {
    kimg,
    data: () => (resolution > seenAt ? picturesFor(gan, folder, seenAt) : data),
  });
  const featuresOf = (what: string, pictures: ImageBytes): Promise<Features> => {
    const [total] = pictures.shape;
    const count = counting(`${what} looked at`);
    return features(network.features, pictures, { onProgress: (done) => count({ done, total }) });
  };
  const some = (from: Dataset): Promise<ImageBytes> => takePictures(from, Math.min(from.size, most));
  const real = await featuresOf("pictures", await some(data));
  const unseen = heldOut && (await featuresOf("held-out pictures", await some(heldOut)));
  const count = asked ?? real.count;
  const drawing = counting("drawn");
  const drawn = await sample(gan, { count, seed, onProgress: (done) => drawing({ done, total: count }) });
  const found = await judged(await featuresOf("drawn pictures", drawn), real, unseen);
  gan.dispose();
  network.dispose();
  const path = checkpoint.replace(/(\.safetensors)?$/, ".metrics.json");
  const record = {
    ...{ checkpoint: basename(checkpoint), samples: count, seed, pictures: real.count },
    ...{ network: network.name, ...found },
  };
  await writeFileAtomic(path, new TextEncoder().encode(`${JSON.stringify(record, undefined, 2)}\n`));
  console.log(
    `\n${count} drawn pictures against ${real.count}, by ${network.name}\n\n${inTable(found)}\n${path}`,
  );
}

/** Pictures as the GAN draws them. */
async function picturesFor(gan: Gan, folder: string, resolution: number): Promise<Dataset> {
  const channels = gan.settings.channels as 1 | 3;
  const onProgress = counting(`pictures in ${folder}`);
  const data = await imageFolder(folder, { resolution, channels, mirror: false, onProgress });
  for (const { name, reason } of data.skipped) console.log(`skipped ${name}: ${reason}`);
  return data;
}

interface Lesson {
  readonly kimg: number;
  data(): Dataset | Promise<Dataset>;
}

/** The network of a file; where there is none, a new one, which is written there. */
async function networkAt(path: string, { kimg, data }: Lesson): Promise<FeatureNetwork> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return FeatureNetwork.restored(await readCheckpoint(path));
  const pictures = await data();
  const count = counting("the network learns, pictures");
  const network = await trainFeatures(pictures, {
    ...{ name: "turns", task: "rotations", kimg },
    batch: Math.min(64, pictures.size),
    onProgress: (at) => count({ done: Math.round(1000 * Math.min(at.kimg, kimg)), total: 1000 * kimg }),
  });
  await writeFileAtomic(path, encodeSafetensors(network.state()));
  return network;
}
