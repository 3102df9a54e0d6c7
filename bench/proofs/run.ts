import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SingleBar } from "cli-progress";
import { type Dataset, type Gan, train } from "../../src/index.ts";
import { latestCheckpoint, readCheckpoint, writeCheckpoint, writeFileAtomic } from "../../src/io/node.ts";
import { type CurvePoint, type Figures, rounded } from "./proof.ts";

export interface RunOptions {
  /** Said on the bar. */
  readonly name: string;
  /** Checkpoints and the curve so far; a run goes on from there. */
  readonly folder: string;
  /** Evaluate, and save, every so many thousand pictures and at the end. Default: at the end only. */
  readonly every?: number;
  /** Stop when this many thousand pictures have been seen. Default: the GAN's kimg. */
  readonly kimg?: number;
  /** Stop when training has taken so many minutes of the processor. */
  readonly cpuMinutes?: number;
  /** Figures of the averaged generator at this moment. */
  evaluate(gan: Gan): Promise<Figures>;
  /** Hears of each point of the curve. */
  onPoint?(curve: readonly CurvePoint[]): Promise<void>;
}

/** A moment. */
interface Clock {
  readonly wall: number;
  readonly cpu: NodeJS.CpuUsage;
}

export const startClock = (): Clock => ({ wall: performance.now(), cpu: process.cpuUsage() });

/** Minutes since, by the clock and by the processor. */
export function minutesSince({ wall, cpu }: Clock): { minutes: number; cpuMinutes: number } {
  const { user, system } = process.cpuUsage(cpu);
  return { minutes: (performance.now() - wall) / 6e4, cpuMinutes: (user + system) / 6e7 };
}

/** Trains with checkpoints and gives the curve; a run that was cut off goes on from its last point. */
export async function trainRun(gan: Gan, data: Dataset, options: RunOptions): Promise<CurvePoint[]> {
  const { name, folder, evaluate, onPoint, kimg = gan.settings.kimg, every = kimg } = options;
  const { cpuMinutes: limit = Number.POSITIVE_INFINITY } = options;
  const curve = await resume(gan, folder);
  const bar = new SingleBar({ format: `${name} {bar} {value}/{total} kimg`, stream: process.stderr });
  bar.start(kimg, 0);
  const { minutes: minutesBefore = 0, cpuMinutes: cpuBefore = 0 } = curve.at(-1) ?? {};
  let minutes = minutesBefore;
  let cpuMinutes = cpuBefore;
  for (let done = gan.imagesSeen / 1000; done < kimg && cpuMinutes < limit; done = gan.imagesSeen / 1000) {
    const goal = Math.min(kimg, (Math.floor(done / every + 1e-9) + 1) * every);
    const clock = startClock();
    for await (const report of train(gan, data, { kimg: goal })) {
      bar.update(Math.round(report.kimg));
      if (cpuMinutes + minutesSince(clock).cpuMinutes >= limit) break;
    }
    const spent = minutesSince(clock);
    minutes += spent.minutes;
    cpuMinutes += spent.cpuMinutes;
    const figures = await evaluate(gan);
    const times = { minutes: rounded(minutes, 2), cpuMinutes: rounded(cpuMinutes, 2) };
    const plannedKimg = gan.settings.kimg;
    curve.push({ kimg: gan.imagesSeen / 1000, plannedKimg, ...times, figures });
    console.log(name, JSON.stringify(curve.at(-1)));
    await writeCheckpoint(folder, await gan.state(), { step: gan.stepsDone, keep: 1 });
    await writeFileAtomic(curveFile(folder), new TextEncoder().encode(JSON.stringify(curve)));
    await onPoint?.(curve);
  }
  bar.stop();
  return curve;
}

const curveFile = (folder: string): string => join(folder, "curve.json");

/** Restores the run's last checkpoint, if any; its curve up to there. */
async function resume(gan: Gan, folder: string): Promise<CurvePoint[]> {
  const path = await latestCheckpoint(folder);
  if (path === undefined) return [];
  gan.restore(await readCheckpoint(path));
  const curve: CurvePoint[] = await readFile(curveFile(folder), "utf8").then(JSON.parse, () => []);
  return curve.filter((point) => point.kimg <= gan.imagesSeen / 1000);
}
