// `ganvil sample`.

import { mkdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { type ImageBytes, init, sample } from "../index.ts";
import { encodePng, imageGrid } from "../io/index.ts";
import { writeFileAtomic } from "../io/node.ts";
import { checkpointAt, trained } from "./checkpoint.ts";
import { numberOf, readFlags, UsageError } from "./flags.ts";

export const sampleUsage = `ganvil sample: draws pictures with a trained generator.

  ganvil sample --run DIR [options]

  --run DIR     the results of a training, or one of its checkpoints
  --count N     pictures to draw; default 64
  --seed N      whole number that decides which; default 0
  --class N     of a GAN of classes: draw this one only, counted from 0; default: all by turns
  --out PATH    NAME.png: all in one grid; else a folder for one file a picture;
                default samples.png
  --threads N   threads to compute with; default: one a core, at most 8
  --help        this text
`;

const flagTypes = {
  run: { type: "string" },
  count: { type: "string" },
  seed: { type: "string" },
  class: { type: "string" },
  out: { type: "string" },
  threads: { type: "string" },
} as const;

/** Draws as `args` say. */
export async function sampleCommand(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, flagTypes);
  if (flags.help) return console.log(sampleUsage);
  const { run, out = "samples.png" } = flags;
  const wholeOf = (name: "count" | "seed" | "class" | "threads", least: number) =>
    numberOf(name, flags[name], { least, whole: true });
  const [count, seed, label, threads] = [
    wholeOf("count", 1) ?? 64,
    wholeOf("seed", 0) ?? 0,
    wholeOf("class", 0),
    wholeOf("threads", 1),
  ];
  const checkpoint = await checkpointAt(run);
  await init({ device: "wasm", threads });
  const gan = await trained(checkpoint);
  const { classes } = gan.settings;
  if (label !== undefined && label >= classes) {
    throw new UsageError(
      classes === 0
        ? `--class: ${checkpoint} was trained without classes`
        : `--class: expected a whole number from 0 to ${classes - 1}, got ${label}`,
    );
  }
  const pictures = await sample(gan, { count, seed, label });
  gan.dispose();
  if (extname(out).toLowerCase() === ".png") await writeFileAtomic(out, encodePng(imageGrid(pictures)));
  else await writeEach(out, pictures);
  console.log(`${count} pictures by ${basename(checkpoint)} in ${out}`);
}

/** A file a picture, `0.png` and so on. */
async function writeEach(folder: string, { data, shape }: ImageBytes): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [count, height, width, channels] = shape;
  const bytes = height * width * channels;
  for (let i = 0; i < count; i++) {
    const path = join(folder, `${String(i).padStart(String(count - 1).length, "0")}.png`);
    const picture = data.subarray(i * bytes, (i + 1) * bytes);
    await writeFileAtomic(path, encodePng({ data: picture, height, width, channels: channels as 1 | 3 }));
  }
}
