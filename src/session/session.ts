import { type Doctor, doctor } from "../doctor/doctor.ts";
import type { Dataset, ImageBytes } from "../gan/batch.ts";
import type { Gan } from "../gan/gan.ts";
import { sample } from "../gan/sample.ts";
import { type Report, train } from "../gan/train.ts";

/** One report of a session; every so often with a grid's worth of samples. */
export interface SessionReport extends Report {
  /** Means over the steps since the last tick, of losses and speed. */
  readonly imagesPerSecond: number;
  /** Seconds until the goal at the present speed. */
  readonly secondsLeft: number;
  /** Samples of the averaged generator, from the same latents at every tick. */
  readonly samples?: ImageBytes;
}

export interface SessionOptions {
  /** Thousands of pictures between ticks. */
  readonly tickKimg: number;
  /** Pictures in a grid. Default 64. */
  readonly count?: number;
  readonly signal?: AbortSignal;
  /** Default: one with a checkup at every tick, that changes nothing. */
  readonly doctor?: Doctor;
}

/** Weight of the past in the speed shown, a step. */
const speedMemory = 0.95;

/**
 * Trains as a program with people before it does: a report at each step, under the eyes of a doctor, with samples at each
 * tick and at the end.
 */
export async function* runSession(
  gan: Gan,
  data: Dataset,
  { tickKimg, count = 64, signal, ...options }: SessionOptions,
): AsyncGenerator<SessionReport, void> {
  const { batch, kimg } = gan.settings;
  const watching = options.doctor ?? doctor({ every: tickKimg });
  let secondsPerImage = 0;
  let reports = 0;
  for await (const report of train(gan, data, { signal, doctor: watching })) {
    const now = report.seconds / batch;
    secondsPerImage = reports++ === 0 ? now : speedMemory * secondsPerImage + (1 - speedMemory) * now;
    const ticked =
      Math.floor(report.kimg / tickKimg) > Math.floor((report.imagesSeen - batch) / 1000 / tickKimg);
    const shown = {
      ...report,
      imagesPerSecond: 1 / secondsPerImage,
      secondsLeft: Math.max(0, kimg * 1000 - report.imagesSeen) * secondsPerImage,
    };
    if (!ticked && report.progress < 1) yield shown;
    else {
      const samples = await sample(gan, { count });
      // Drawing them may have found the GPU lost.
      yield { ...shown, notices: [...report.notices, ...gan.takeNotices()], samples };
    }
  }
}
