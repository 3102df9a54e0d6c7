// Trains in the background, so that the page never waits. It talks in the words of messages.ts.
import {
  createGan,
  type Dataset,
  type Gan,
  type GanvilBackend,
  GanvilError,
  type ImageBytes,
  init,
  type RecipeName,
  type RecipeSize,
  recipeNamed,
  recipeOf,
  sample,
} from "ganvil";
import { imageFiles } from "ganvil/data";
import { decodeSafetensors, encodePng, encodeSafetensors, imageGrid } from "ganvil/io";
import { deviceInWords, findingInWords, runSession, type SessionReport } from "ganvil/session";
import { drawnFaces } from "../dicebear-faces.ts";
import { rasterise } from "../rasterise-browser.ts";
import { decodeGenerator, type Trained } from "../trained.ts";
import { Gate } from "./gate.ts";
import type { FromWorker, LossPoint, RunOptions, SampleTiles, ToWorker } from "./messages.ts";

/** Ticks of a run, as on the command line, and the longest time that the grid stands still. */
const ticks = 20;
const gridEveryMs = 15_000;
/** Samples in the grid. */
const count = 64;
/** More messages than this would be more than anyone sees. */
const messageEveryMs = 200;

const gate = new Gate();
// The GPU is not touched before somebody starts on it.
const loaded = init({ device: "wasm" });

function post(message: FromWorker, transfer: Transferable[] = []): void {
  postMessage(message, { transfer });
}

addEventListener("message", ({ data: message }: MessageEvent<ToWorker>) => {
  if (message.type === "open") open(message.checkpoint);
  else if (message.type === "start") start(message);
  else if (message.type === "show-trained") showTrained(message.seed);
  else if (message.type === "pause") gate.pause();
  else if (message.type === "continue") gate.continue();
  else gate.ask(() => save(message.what));
});

loaded.then(
  () => post({ type: "ready" }),
  (error) => post({ type: "failed", message: inWords(error) }),
);

let gan: Gan | undefined;
/** The samples last shown. */
let shown: { readonly samples: ImageBytes; readonly kimg: number } | undefined;

async function open(checkpoint: File): Promise<void> {
  try {
    await loaded;
    const opened = await restored(checkpoint);
    post({ type: "opened", checkpoint, options: optionsOf(opened), kimg: opened.imagesSeen / 1000 });
    opened.dispose();
  } catch (error) {
    post({ type: "refused", message: `${checkpoint.name}: ${inWords(error)}` });
  }
}

async function start({ options, device, pictures, checkpoint }: ToWorker & { type: "start" }): Promise<void> {
  try {
    await loaded;
    const backend = await init({ device, onWarmUp });
    const { recipe, ...chosen } = options;
    gan = checkpoint
      ? await restored(checkpoint, options.kimg)
      : createGan(recipeNamed(recipe, { ...chosen, ...augmentation(pictures) }));
    const data = await loadData(gan, pictures);
    post({
      type: "started",
      options: optionsOf(gan),
      pictures: data.size,
      skipped: data.skipped,
      device: deviceInWords(backend),
      withoutGpu: device === "auto" && !backend.gpu ? backend.placer.withoutGpu : undefined,
    });
    await run(gan, data, backend);
    post({ type: "done", kimg: gan.imagesSeen / 1000 });
  } catch (error) {
    post({ type: "failed", message: inWords(error) });
  }
  // The results stay to be saved until the page ends this worker.
  gate.pause();
  await gate.pass(() => {});
}

/**
 * A few hundred photographs need it, or the discriminator learns them by heart; of drawn faces there are plenty, and
 * without it their flat colours come out clean in half the time.
 */
const augmentation = (pictures: readonly File[] | undefined) =>
  pictures === undefined ? ({ augment: "none" } as const) : { pictures: pictures.length };

/** The generator that comes with the page, once it was asked for. */
let trained: Promise<Trained> | undefined;

async function loadTrained(): Promise<Trained> {
  await loaded;
  const file = await fetch(new URL("../trained.safetensors", import.meta.url));
  return decodeGenerator(new Uint8Array(await file.arrayBuffer()));
}

async function showTrained(seed: number): Promise<void> {
  try {
    trained ??= loadTrained();
    const { gan, kimg } = await trained;
    const samples = toTiles(await sample(gan, { count, seed }));
    const recipe = gan.settings.recipe!.name as RecipeName;
    post({ type: "trained", samples, recipe, kimg }, [samples.rgba.buffer]);
  } catch (error) {
    trained = undefined;
    post({ type: "refused", message: inWords(error) });
  }
}

let warmedUp = 0;

function onWarmUp(shaders: { readonly compiled: number; readonly asked: number }): void {
  if (performance.now() - warmedUp < messageEveryMs) return;
  warmedUp = performance.now();
  post({ type: "warm-up", ...shaders });
}

/** Trains to the end, or until the worker is ended. */
async function run(gan: Gan, data: Dataset, backend: GanvilBackend): Promise<void> {
  let points: LossPoint[] = [];
  let posted = 0;
  let drawn = Number.NEGATIVE_INFINITY;
  const flush = (report: SessionReport): void => {
    const { kimg, progress, imagesPerSecond, secondsLeft } = report;
    const { heapBytesReserved: bytes, gpuBytesReserved: gpuBytes } = backend.memory();
    const device = deviceInWords(backend, report.device);
    const figures = { kimg, progress, imagesPerSecond, secondsLeft, bytes, gpuBytes, device };
    post({ type: "steps", points, figures });
    points = [];
    posted = performance.now();
  };
  for await (const report of runSession(gan, data, { tickKimg: gan.settings.kimg / ticks, count })) {
    const { kimg, progress } = report;
    for (const notice of report.notices)
      post({ type: "gpu-failed", kimg, device: deviceInWords(backend), notice });
    for (const finding of report.findings)
      post({ type: "found", kimg, severity: finding.severity, text: findingInWords(finding) });
    const { generator, discriminator } = report.losses;
    points.push({ kimg, generator, discriminator });
    const samples =
      report.samples ?? (performance.now() - drawn > gridEveryMs ? await sample(gan, { count }) : undefined);
    if (samples) {
      drawn = performance.now();
      show(samples, kimg);
    }
    if (performance.now() - posted > messageEveryMs || progress === 1) flush(report);
    const paused = () => {
      flush(report);
      post({ type: "paused", kimg });
    };
    if (await gate.pass(paused)) post({ type: "continued" });
  }
}

function show(samples: ImageBytes, kimg: number): void {
  shown = { samples, kimg };
  const tiles = toTiles(samples);
  post({ type: "samples", kimg, samples: tiles }, [tiles.rgba.buffer]);
}

async function save(what: "grid" | "checkpoint"): Promise<void> {
  if (what === "checkpoint" && gan) {
    const bytes = encodeSafetensors(await gan.state());
    const name = `checkpoint-${String(gan.stepsDone).padStart(8, "0")}.safetensors`;
    post({ type: "file", name, mime: "application/octet-stream", bytes }, [bytes.buffer]);
  } else if (what === "grid" && shown) {
    const scale = shown.samples.shape[1] < 64 ? 2 : 1;
    const bytes = encodePng(imageGrid(shown.samples, { scale }));
    const name = `samples-${String(Math.round(shown.kimg * 1000)).padStart(8, "0")}.png`;
    post({ type: "file", name, mime: "image/png", bytes }, [bytes.buffer]);
  }
}

/** A GAN that goes on from a checkpoint, to `kimg` where given. */
async function restored(checkpoint: File, kimg?: number): Promise<Gan> {
  const state = decodeSafetensors(new Uint8Array(await checkpoint.arrayBuffer()));
  const gan = createGan(recipeOf(state.metadata, { kimg }));
  try {
    gan.restore(state);
    if (kimg !== undefined && gan.imagesSeen >= kimg * 1000) {
      throw new RangeError(
        `The checkpoint is at ${gan.imagesSeen / 1000} kimg already. Choose more than that.`,
      );
    }
    return gan;
  } catch (error) {
    gan.dispose();
    throw error;
  }
}

function optionsOf({ settings }: Gan): RunOptions {
  const { resolution, kimg, seed, recipe } = settings;
  const { size } = recipe!.options as { readonly size?: RecipeSize };
  return { recipe: recipe!.name as RecipeName, size, resolution, kimg, seed };
}

async function loadData({ settings }: Gan, pictures?: readonly File[]): Promise<Dataset> {
  let posted = 0;
  const onProgress = ({ done, total }: { done: number; total: number }): void => {
    if (performance.now() - posted < messageEveryMs) return;
    posted = performance.now();
    post({ type: "pictures", done, total });
  };
  const { resolution, seed } = settings;
  const options = { resolution, seed, onProgress };
  if (!pictures) return drawnFaces({ ...options, rasterise });
  return imageFiles(pictures, { ...options, channels: settings.channels as 1 | 3 });
}

/** @param samples 1 or 3 channels */
function toTiles({ data, shape: [count, side, , channels] }: ImageBytes): SampleTiles {
  const rgba = new Uint8ClampedArray(count * side * side * 4);
  for (let from = 0, to = 0; to < rgba.length; from += channels, to += 4) {
    rgba[to] = data[from];
    rgba[to + 1] = data[from + (channels > 1 ? 1 : 0)];
    rgba[to + 2] = data[from + (channels > 1 ? 2 : 0)];
    rgba[to + 3] = 255;
  }
  return { rgba, count, side };
}

function inWords(error: unknown): string {
  // What is not a message to people is a fault in the program.
  if (!(error instanceof GanvilError || error instanceof RangeError)) console.error(error);
  return error instanceof Error ? error.message : String(error);
}
