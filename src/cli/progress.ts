import { SingleBar } from "cli-progress";
import { durationInWords, findingInWords, type SessionReport } from "../session/index.ts";

/** Shows how training goes: a bar on a terminal, a line a tick elsewhere. */
export interface Progress {
  /** How many of the GPU's shaders are compiled: until they are, training waits. */
  warmUp(shaders: { readonly compiled: number; readonly asked: number }): void;
  step(report: SessionReport): void;
  /** At a tick, with the files just written. */
  tick(report: SessionReport, files: readonly string[]): void;
  stop(): void;
}

const figures = ({ device, imagesPerSecond, losses, secondsLeft }: SessionReport): string =>
  `${imagesPerSecond.toFixed(0)} images/s on ${device === "webgpu" ? "the GPU" : "Wasm"}  loss G ${losses.generator.toFixed(3)} D ${losses.discriminator.toFixed(3)}  ${durationInWords(secondsLeft)} left`;

const shadersInWords = ({ compiled, asked }: { compiled: number; asked: number }): string =>
  `shaders compiled: ${compiled} of ${asked}`;

/** What happened in a step beside training. */
const news = ({ notices, findings }: SessionReport): string[] => [
  ...notices,
  ...findings.map(findingInWords),
];

/** To the start of an empty line, on a terminal that wraps long ones; and back to one that does not, as the bar has it. */
const besideBar = (text: string): string => `\r\u001b[K\u001b[?7h${text}\n\u001b[?7l`;

function bar(kimg: number): Progress {
  const shown = new SingleBar({
    format: "{bar} {kimg}/{goal} kimg  {state}",
    barsize: 24,
    hideCursor: true,
    stream: process.stdout,
  });
  shown.start(1, 0, { kimg: "0.0", goal: String(kimg), state: "first step" });
  return {
    warmUp: (shaders) => shown.update({ state: shadersInWords(shaders) }),
    step: (report) => {
      for (const text of news(report)) process.stdout.write(besideBar(text));
      shown.update(report.progress, { kimg: report.kimg.toFixed(1), state: figures(report) });
    },
    tick: () => {},
    stop: () => shown.stop(),
  };
}

/** Lines that say how far something is are at least so far apart; on a terminal each takes the place of the one before. */
const lineEveryMs = process.stdout.isTTY ? 200 : 5000;

/** Says how much is done of what takes long: `pictures: 400 of 879`. */
export function counting(
  what: string,
): (progress: { readonly done: number; readonly total: number }) => void {
  let shown = performance.now();
  return ({ done, total }) => {
    if (performance.now() - shown < lineEveryMs && done < total) return;
    shown = performance.now();
    const text = `${what}: ${done} of ${total}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}${done < total ? "" : "\n"}`);
    else console.log(text);
  };
}

function lines(kimg: number): Progress {
  let warmedUp = performance.now();
  return {
    warmUp: (shaders) => {
      if (performance.now() - warmedUp < lineEveryMs) return;
      warmedUp = performance.now();
      console.log(shadersInWords(shaders));
    },
    step: (report) => {
      for (const text of news(report)) console.log(text);
    },
    tick: (report, files) => {
      console.log(`${report.kimg.toFixed(1)}/${kimg} kimg  ${figures(report)}  ${files.join(" ")}`);
    },
    stop: () => {},
  };
}

/** Progress of a run of `kimg` thousand pictures. */
export function showProgress(kimg: number): Progress {
  return process.stdout.isTTY ? bar(kimg) : lines(kimg);
}
