import { SingleBar } from "cli-progress";
import { duration } from "./duration.ts";
import type { SessionReport } from "./session.ts";

/** Shows how training goes: a bar on a terminal, a line a tick elsewhere. */
export interface Progress {
  step(report: SessionReport): void;
  /** At a tick, with the files just written. */
  tick(report: SessionReport, files: readonly string[]): void;
  stop(): void;
}

const figures = ({ kimg, imagesPerSecond, losses, secondsLeft }: SessionReport): Record<string, string> => ({
  kimg: kimg.toFixed(1),
  speed: imagesPerSecond.toFixed(0),
  generator: losses.generator.toFixed(3),
  discriminator: losses.discriminator.toFixed(3),
  left: duration(secondsLeft),
});

function bar(kimg: number): Progress {
  const shown = new SingleBar({
    format: "{bar} {kimg}/{goal} kimg  {speed} images/s  loss G {generator} D {discriminator}  {left} left",
    barsize: 24,
    hideCursor: true,
    stream: process.stdout,
  });
  const empty = {
    kimg: "0.0",
    goal: String(kimg),
    speed: "–",
    generator: "–",
    discriminator: "–",
    left: "–",
  };
  shown.start(1, 0, empty);
  return {
    step: (report) => shown.update(report.progress, figures(report)),
    tick: () => {},
    stop: () => shown.stop(),
  };
}

function lines(kimg: number): Progress {
  return {
    step: () => {},
    tick: (report, files) => {
      const { speed, generator, discriminator, left, ...rest } = figures(report);
      console.log(
        `${rest.kimg}/${kimg} kimg  ${speed} images/s  loss G ${generator} D ${discriminator}  ${left} left  ${files.join(" ")}`,
      );
    },
    stop: () => {},
  };
}

/** Progress of a run of `kimg` thousand pictures. */
export function showProgress(kimg: number): Progress {
  return process.stdout.isTTY ? bar(kimg) : lines(kimg);
}
