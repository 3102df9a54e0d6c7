// `ganvil train`.
import { imageFolder } from "../data/node.ts";
import {
  augmentNames,
  createGan,
  type Dataset,
  type Device,
  devices,
  doctor,
  type Finding,
  type Gan,
  type GanSettings,
  init,
  type NamedOptions,
  type RecipeName,
  recipeNamed,
  recipeNames,
  recipeSizes,
} from "../index.ts";
import { deviceInWords, durationInWords, runSession, type SessionReport } from "../session/index.ts";
import { choiceOf, inWords, numberOf, readFlags, UsageError } from "./flags.ts";
import { counting, type Progress, showProgress } from "./progress.ts";
import { RunFolder } from "./run-folder.ts";

export const trainUsage = `ganvil train: trains a GAN on a folder of pictures; writes sample grids, a log and checkpoints.

  ganvil train --data DIR [options]

  --data DIR      pictures to learn from (JPEG, PNG, WebP; any size), also in folders below
  --classes       the folders below DIR are classes, each drawn on demand
  --no-mirror     pictures must not be mirrored (letters, digits)
  --recipe R      ${inWords(recipeNames)}; default dcgan, the fastest
  --size S        of the networks: ${inWords(recipeSizes)}; default: the recipe's own
  --resolution N  height and width in pixels; default 32
  --augment A     ${inWords(augmentNames)}; default: the recipe's own, and of fewer
                  than 20,000 pictures ada for r3gan, stylegan2 and sngan
  --batch N       pictures a step; default: the recipe's own
  --kimg N        length of training in thousands of pictures; default 48
  --seed N        whole number that decides every random choice; default 0
  --rollback N    where the doctor finds a fault, go back to before it and on with the change
                  that it asks for, at most N times; default 0
  --device D      where to compute: auto (each operation where it is fastest), wasm
                  (the processor) or webgpu (the GPU); default auto
  --threads N     threads to compute with; default: one a core, at most 8
  --out DIR       where the results go; default runs/ganvil
  --resume        go on from the latest checkpoint in --out, with the same options as before
  --help          this text
`;

const flagTypes = {
  data: { type: "string" },
  classes: { type: "boolean" },
  "no-mirror": { type: "boolean" },
  recipe: { type: "string" },
  size: { type: "string" },
  resolution: { type: "string" },
  augment: { type: "string" },
  batch: { type: "string" },
  kimg: { type: "string" },
  seed: { type: "string" },
  rollback: { type: "string" },
  device: { type: "string" },
  threads: { type: "string" },
  out: { type: "string" },
  resume: { type: "boolean" },
} as const;

/** What pictures are loaded by. */
export interface PictureRequest {
  readonly resolution: number;
  readonly seed: number;
  onProgress(progress: { readonly done: number; readonly total: number }): void;
  readonly signal: AbortSignal;
}

/** Pictures to learn from where no folder of them is given. */
export type Pictures = (request: PictureRequest) => Promise<Dataset>;

interface Options extends Omit<NamedOptions, "classes"> {
  readonly data: string | undefined;
  readonly byFolder: boolean;
  readonly mirror: boolean;
  readonly recipe: RecipeName;
  readonly resolution: number;
  readonly kimg: number;
  readonly seed: number;
  readonly rollback: number;
  readonly device: Device;
  /** Undefined: as many as there are cores, at most 8. */
  readonly threads: number | undefined;
  readonly out: string;
  readonly resume: boolean;
}

/** Grids and checkpoints of a run. */
const ticks = 20;

/**
 * Trains as `args` say.
 * @param pictures to learn from without `--data`
 */
export async function trainCommand(args: readonly string[], pictures?: Pictures): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) return console.log(trainUsage);
  if (options.data === undefined && pictures === undefined) {
    throw new UsageError(
      "--data: expected a folder of pictures. `ganvil train --help` lists what can be asked for.",
    );
  }
  const stop = new AbortController();
  const onInterrupt = (): void => {
    console.log("\nStopping after this step; press Ctrl-C again to stop at once.");
    stop.abort();
  };
  process.once("SIGINT", onInterrupt);
  try {
    await trainUntil(stop.signal, options, pictures);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

async function trainUntil(
  signal: AbortSignal,
  options: Options,
  pictures: Pictures | undefined,
): Promise<void> {
  const { device, threads, kimg, rollback } = options;
  let progress: Progress | undefined;
  const backend = await init({ device, threads, onWarmUp: (warmUp) => progress?.warmUp(warmUp) });
  const data = await loadData(options, pictures, signal);
  for (const { name, reason } of data.skipped) console.log(`skipped ${name}: ${reason}`);
  const gan = createGan(settingsFor(options, data));
  const run = options.resume ? await resume(options.out, gan) : await fresh(options.out);
  const { resolution } = gan.settings;
  const classes = data.classNames === undefined ? "" : ` of ${data.classNames.length} classes`;
  console.log(
    `${data.size} pictures of ${resolution}×${resolution}${classes}, on ${deviceInWords(backend)}, results in ${run.folder}`,
  );
  if (device === "auto" && backend.gpu === undefined) console.log(`No GPU: ${backend.placer.withoutGpu}`);
  progress = showProgress(kimg);
  const start = performance.now();
  const tickKimg = kimg / ticks;
  const watching = doctor({ every: tickKimg, rollback });
  let unlogged: SessionReport[] = [];
  try {
    for await (const report of runSession(gan, data, { tickKimg, signal, doctor: watching })) {
      unlogged.push(report);
      progress.step(report);
      // It went back: what is newer than the state that it goes on from is of no use.
      if (gan.stepsDone < report.step) await run.checkpoint(gan);
      if (report.samples === undefined) continue;
      await run.log(unlogged);
      unlogged = [];
      const grid = await run.grid(report.samples, report.imagesSeen);
      progress.tick(report, [grid, await run.checkpoint(gan)]);
    }
  } finally {
    // Also of a run that failed: its last lines say what was found.
    progress.stop();
    await run.log(unlogged);
  }
  const checkpoint = await run.checkpoint(gan);
  console.log(`${durationInWords((performance.now() - start) / 1000)}; ${checkpoint}`);
  console.log(diagnosis(watching.findings));
  if (gan.progress < 1) console.log("Stopped early: add --resume to the same command to go on.");
  gan.dispose();
}

/** What the doctor found in all. */
function diagnosis(findings: readonly Finding[]): string {
  const kinds = [...new Set(findings.map(({ kind }) => kind))];
  return kinds.length === 0
    ? "The doctor found nothing wrong."
    : `The doctor found: ${kinds.join(", ")}; the log has what was measured, and what to change.`;
}

async function loadData(
  { data, resolution, seed, mirror, byFolder }: Options,
  pictures: Pictures | undefined,
  signal: AbortSignal,
): Promise<Dataset> {
  const request = { resolution, seed, onProgress: counting("pictures"), signal };
  if (data === undefined) return pictures!(request);
  return imageFolder(data, { ...request, mirror, classes: byFolder ? "folders" : undefined });
}

function settingsFor(options: Options, data: Dataset): GanSettings {
  const { recipe, size, resolution, augment, batch, kimg, seed } = options;
  return recipeNamed(recipe, {
    ...{ size, resolution, augment, batch, kimg, seed },
    channels: data.channels as 1 | 3,
    classes: data.classNames?.length,
    pictures: data.size,
  });
}

async function fresh(folder: string): Promise<RunFolder> {
  const { run, movedTo } = await RunFolder.fresh(folder);
  if (movedTo !== undefined) console.log(`The earlier results are now in ${movedTo}`);
  return run;
}

async function resume(folder: string, gan: Gan): Promise<RunFolder> {
  const { run, from } = await RunFolder.resume(folder, gan);
  console.log(from === undefined ? `No checkpoint in ${folder}: starting anew` : `Going on from ${from}`);
  return run;
}

/** Undefined where help was asked for. */
function readOptions(args: readonly string[]): Options | undefined {
  const flags = readFlags(args, flagTypes);
  if (flags.help) return undefined;
  const wholeOf = (name: "resolution" | "batch" | "seed" | "threads" | "rollback", least: number) =>
    numberOf(name, flags[name], { least, whole: true });
  return {
    data: flags.data,
    byFolder: flags.classes ?? false,
    mirror: !(flags["no-mirror"] ?? false),
    recipe: choiceOf("recipe", flags.recipe, recipeNames) ?? "dcgan",
    size: choiceOf("size", flags.size, recipeSizes),
    resolution: wholeOf("resolution", 1) ?? 32,
    augment: choiceOf("augment", flags.augment, augmentNames),
    batch: wholeOf("batch", 1),
    kimg: numberOf("kimg", flags.kimg, { least: 0.001 }) ?? 48,
    seed: wholeOf("seed", 0) ?? 0,
    rollback: wholeOf("rollback", 0) ?? 0,
    device: choiceOf("device", flags.device, devices) ?? "auto",
    threads: wholeOf("threads", 1),
    out: flags.out ?? "runs/ganvil",
    resume: flags.resume ?? false,
  };
}
