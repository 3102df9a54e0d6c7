import { check } from "../errors.ts";
import type { Dataset, SkippedPicture } from "./batch.ts";
import type { Controls, Signals } from "./controller.ts";
import type { Finding, Monitor } from "./finding.ts";
import type { Gan } from "./gan.ts";

export interface TrainOptions {
  /** Stop when this many thousand pictures have been seen, earlier runs counted in. Default: the GAN's kimg. */
  readonly kimg?: number;
  /** Stops after the step under way; the iteration then ends as if done. */
  readonly signal?: AbortSignal;
  /** Looks for what goes wrong: see `doctor`. Default: none. */
  readonly doctor?: Monitor;
}

/** What came of one step. */
export interface Report {
  /** Steps done, from 1. */
  readonly step: number;
  /** Real pictures seen, and the same in thousands. */
  readonly imagesSeen: number;
  readonly kimg: number;
  /** Part of this run's goal that is done, 0 to 1. */
  readonly progress: number;
  /** Loss of each player. */
  readonly losses: Readonly<Record<string, number>>;
  /** Norm of each player's gradient. */
  readonly gradientNorms: Readonly<Record<string, number>>;
  /** What the losses observed, such as the mean logit of real pictures: see the losses and regularisers. */
  readonly signals: Signals;
  /** What controllers have come to, such as the strength of adaptive augmentation. */
  readonly controls: Controls;
  /** Duration of the step in seconds, the wait for data included. */
  readonly seconds: number;
  /** Where the step was computed. */
  readonly device: "wasm" | "webgpu";
  /** What happened to the GPU, if anything: each loss, and what training went on with. */
  readonly notices: readonly string[];
  /** What the doctor, if there is one, has newly found. */
  readonly findings: readonly Finding[];
  /** Pictures that the data left out, and why. */
  readonly skipped: readonly SkippedPicture[];
}

/** A page or worker handles its messages at least this often (ms). */
const breathEvery = 50;

/**
 * Trains and yields a report a step; it neither prints nor saves. Breaking out of the loop stops it. The
 * data are read from where the GAN's state says, so that a restored GAN goes on as if never stopped.
 * @throws RangeError when data and GAN differ in resolution or channels
 * @throws NonFiniteError when a loss or gradient is not finite; the GAN is as before that step
 */
export async function* train(
  gan: Gan,
  data: Dataset,
  options: TrainOptions = {},
): AsyncGenerator<Report, void> {
  const { doctor, ...rest } = options;
  const reports = () => steps(gan, data, rest);
  yield* doctor === undefined ? reports() : doctor.watch(gan, data, reports);
}

async function* steps(
  gan: Gan,
  data: Dataset,
  { kimg = gan.settings.kimg, signal }: Omit<TrainOptions, "doctor">,
): AsyncGenerator<Report, void> {
  const { resolution, channels, classes } = gan.settings;
  check(kimg > 0, () => `train: expected kimg above 0, got ${kimg}`);
  check(
    data.resolution === resolution && data.channels === channels,
    () =>
      `train: expected pictures of ${resolution}×${resolution}×${channels}, got ${data.resolution}×${data.resolution}×${data.channels}. Make the data or the GAN with the other's resolution and channels.`,
  );
  check(
    classes === 0 || data.classes === classes,
    () =>
      `train: expected data of ${classes} classes, got ${data.classes ?? "none"}. Make the GAN with the data's classes.`,
  );
  const goal = kimg * 1000;
  if (gan.imagesSeen >= goal || signal?.aborted) return;
  let breathed = performance.now();
  let start = breathed;
  for await (const pictures of data.batches({ count: gan.imagesPerStep, cursor: gan.cursor })) {
    const turns = Object.entries(await gan.step(pictures));
    const now = performance.now();
    const report: Report = {
      step: gan.stepsDone,
      imagesSeen: gan.imagesSeen,
      kimg: gan.imagesSeen / 1000,
      progress: Math.min(1, gan.imagesSeen / goal),
      losses: Object.fromEntries(turns.map(([name, { loss }]) => [name, loss])),
      gradientNorms: Object.fromEntries(turns.map(([name, { gradientNorm }]) => [name, gradientNorm])),
      signals: Object.assign({}, ...turns.map(([, turn]) => turn.signals)),
      controls: gan.controls,
      seconds: (now - start) / 1000,
      device: gan.device,
      notices: gan.takeNotices(),
      findings: [],
      skipped: data.skipped,
    };
    if (now - breathed > breathEvery) {
      await new Promise((resolve) => setTimeout(resolve));
      breathed = performance.now();
    }
    yield report;
    if (gan.imagesSeen >= goal || signal?.aborted) return;
    start = performance.now();
  }
}
