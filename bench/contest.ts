import type { Case } from "./cases.ts";
import { median, spread } from "./measure.ts";
import type { ContestantProcess } from "./process.ts";
import type { ContestantName } from "./rivals/contestant.ts";

/** What one contestant came to in one case: seconds a call over the rounds, or why there are none. */
export type Result =
  | {
      /** Median of the rounds, each the median of its samples. */
      readonly seconds: number;
      readonly best: number;
      /** Half the distance between the rounds' quartiles, relative to the median. */
      readonly spread: number;
      /** What the benchmark supplied of kernels that the backend lacks. */
      readonly substituted: readonly string[];
    }
  | { readonly missing: string }
  | { readonly failed: string };

/** One case's results. */
export interface Row {
  readonly section: string;
  readonly name: string;
  readonly work?: Case["work"];
  readonly results: Readonly<Partial<Record<ContestantName, Result>>>;
  /** Each rival's seconds over ganvil's, within a round; the median of the rounds. */
  readonly ratios: Readonly<Partial<Record<ContestantName, number>>>;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** Of one contestant in one round. */
  readonly seconds: number;
}

/** Between builds, and by another order of summation, results differ in the last bits. */
const tolerance = 1e-3;

/**
 * Runs one case: every contestant in turn, as many rounds as asked, so that what disturbs the machine
 * disturbs all alike. Contestants whose results differ from the first one's fail.
 */
export async function runCase(
  one: Case,
  contestants: readonly ContestantProcess[],
  { rounds, seconds }: Effort,
): Promise<Row> {
  const { section, name } = one;
  let { work } = one;
  const results: Partial<Record<ContestantName, Result>> = {};
  const ready: { process: ContestantProcess; substituted: readonly string[]; times: number[] }[] = [];
  let expected: number | undefined;
  const guarded = async (process: ContestantProcess, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      results[process.name] = { failed: (error as Error).message };
    }
  };
  for (const process of contestants) {
    await guarded(process, async () => {
      const answer = await process.ask({ ask: "prepare", name, seconds });
      if ("missing" in answer) {
        results[process.name] = answer;
        return;
      }
      ready.push({ process, substituted: answer.substituted, times: [] });
      if (answer.bytes !== undefined) work ??= { bytes: answer.bytes };
      expected ??= answer.checksum;
      if (expected === undefined || answer.checksum === undefined) return;
      if (Math.abs(answer.checksum - expected) > tolerance * Math.abs(expected)) {
        throw new Error(`its results differ: checksum ${answer.checksum}, not ${expected}`);
      }
    });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { process, times } of ready) {
      if (results[process.name] !== undefined) continue;
      await guarded(process, async () => {
        const { samples } = await process.ask({ ask: "measure", seconds });
        times.push(median(samples));
      });
    }
  }
  for (const { process, substituted, times } of ready) {
    await guarded(process, async () => {
      const { leaked } = await process.ask({ ask: "finish" });
      if (leaked !== 0) throw new Error(`${leaked} tensors were left over`);
    });
    results[process.name] ??= {
      ...{ seconds: median(times), best: Math.min(...times), spread: spread(times), substituted },
    };
  }
  const inOrder = Object.fromEntries(contestants.map((process) => [process.name, results[process.name]]));
  return { section, name, work, results: inOrder, ratios: ratiosOf(ready) };
}

function ratiosOf(ready: readonly { process: ContestantProcess; times: readonly number[] }[]): Row["ratios"] {
  const own = ready.find(({ process }) => process.name === "ganvil")?.times;
  const ratios: Partial<Record<ContestantName, number>> = {};
  for (const { process, times } of ready) {
    if (process.name === "ganvil" || own === undefined || times.length !== own.length) continue;
    if (times.length > 0) ratios[process.name] = median(times.map((time, round) => time / own[round]));
  }
  return ratios;
}
