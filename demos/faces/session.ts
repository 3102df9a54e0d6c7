import {
  type Dataset,
  doctor,
  type Finding,
  type Gan,
  type ImageBytes,
  type Report,
  sample,
  train,
} from "ganvil";

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
}

/** A finding as people read it. */
export const findingInWords = ({ severity, message, remedy }: Finding): string =>
  `${severity}: ${message} ${remedy}`;

/** Weight of the past in the speed shown, a step. */
const speedMemory = 0.95;

/** Trains as both the command and the page do: reports at each step, samples at each tick and at the end. */
export async function* runSession(
  gan: Gan,
  data: Dataset,
  { tickKimg, count = 64, signal }: SessionOptions,
): AsyncGenerator<SessionReport, void> {
  const { batch, kimg } = gan.settings;
  let secondsPerImage = 0;
  let reports = 0;
  for await (const report of train(gan, data, { signal, doctor: doctor({ every: tickKimg }) })) {
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
