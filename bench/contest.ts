import type { Case } from "./cases.ts";
import { median, spread } from "./measure.ts";
import type { GpuFigures, Remote } from "./protocol.ts";
import { type ContestantName, gpuNames } from "./rivals/contestant.ts";

/** What one contestant came to in one case: seconds a call over the rounds, or why there are none. */
export type Result =
  | {
      /** Median of the rounds, each the median of its samples. */
      readonly seconds: number;
      readonly best: number;
      /** Half the distance between the rounds' quartiles, relative to the median. */
      readonly spread: number;
      readonly rounds: number;
      /** What the benchmark supplied of kernels that the backend lacks. */
      readonly substituted: readonly string[];
      /** Of contestants that compute on a GPU: of one call. */
      readonly gpu?: GpuFigures;
    }
  | { readonly missing: string }
  | { readonly failed: string };

/** One case's results. */
export interface Row {
  readonly section: string;
  readonly name: string;
  readonly work?: Case["work"];
  /** Of a step: trained numbers of the generator and of the discriminator, the same for all. */
  readonly parameters?: readonly number[];
  readonly results: Readonly<Partial<Record<ContestantName, Result>>>;
  /** Each other's seconds over those of ganvil (or whom the run compares with), within a round; the median of the rounds. */
  readonly ratios: Readonly<Partial<Record<ContestantName, number>>>;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** Of one contestant in one round. */
  readonly seconds: number;
  /** A contestant whose call takes longer than so many seconds is measured once only. */
  readonly patience: number;
  /** Whom ratios compare with. Default ganvil. */
  readonly own?: ContestantName;
}

/** Between builds, and by another order of summation, results differ in the last bits. */
const tolerance = 1e-3;

/** A contestant that is ready to be measured. */
interface Ready {
  readonly remote: Remote<ContestantName>;
  readonly substituted: readonly string[];
  /** One measurement is enough: the first, which is there. */
  readonly slow: boolean;
  readonly times: number[];
}

/**
 * Runs one case: every contestant in turn, as many rounds as asked, so that what disturbs the machine
 * disturbs all alike. Contestants whose results, or numbers of parameters, differ from the first one's fail.
 */
export async function runCase(
  { section, name, call, inputs, work: given }: Case,
  contestants: readonly Remote<ContestantName>[],
  { rounds, seconds, patience, own = "ganvil" }: Effort,
): Promise<Row> {
  let work = given;
  const results: Partial<Record<ContestantName, Result>> = {};
  const ready: Ready[] = [];
  let expected: number | undefined;
  let parameters: readonly number[] | undefined;
  const guarded = async ({ name }: Remote<ContestantName>, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      results[name] = { failed: (error as Error).message };
    }
  };
  for (const remote of contestants) {
    await guarded(remote, async () => {
      const answer = await remote.ask({ ask: "prepare", name, call, inputs, seconds });
      if ("missing" in answer) {
        results[remote.name] = answer;
        return;
      }
      const first = median(answer.samples);
      const slow = first > patience;
      ready.push({ remote, substituted: answer.substituted, slow, times: slow ? [first] : [] });
      if (answer.bytes !== undefined) work ??= { bytes: answer.bytes };
      parameters ??= answer.parameters;
      if (answer.parameters?.join() !== parameters?.join()) {
        throw new Error(`its networks have ${answer.parameters} parameters, not ${parameters}`);
      }
      expected ??= answer.checksum;
      if (expected === undefined || answer.checksum === undefined) return;
      if (!(Math.abs(answer.checksum - expected) <= tolerance * Math.abs(expected))) {
        throw new Error(`its results differ: checksum ${answer.checksum}, not ${expected}`);
      }
    });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { remote, times, slow } of ready) {
      if (slow || results[remote.name] !== undefined) continue;
      await guarded(remote, async () => {
        const { samples } = await remote.ask({ ask: "measure", seconds });
        times.push(median(samples));
      });
    }
  }
  for (const { remote, substituted, times } of ready) {
    let gpu: GpuFigures | undefined;
    await guarded(remote, async () => {
      if (isGpu(remote)) gpu = (await remote.ask({ ask: "meter" })).figures;
      const { leaked } = await remote.ask({ ask: "finish" });
      if (leaked !== 0) throw new Error(`${leaked} tensors were left over`);
    });
    results[remote.name] ??= {
      ...{ seconds: median(times), best: Math.min(...times), spread: spread(times) },
      ...{ rounds: times.length, substituted, ...(gpu && { gpu }) },
    };
  }
  const inOrder = Object.fromEntries(contestants.map(({ name }) => [name, results[name]]));
  return { section, name, work, parameters, results: inOrder, ratios: ratiosOf(ready, own) };
}

const isGpu = ({ name }: Remote<ContestantName>): boolean => (gpuNames as readonly string[]).includes(name);

function ratiosOf(ready: readonly Ready[], ownName: ContestantName): Row["ratios"] {
  const own = ready.find(({ remote }) => remote.name === ownName)?.times ?? [];
  const ratios: Partial<Record<ContestantName, number>> = {};
  for (const { remote, times } of ready) {
    if (remote.name === ownName || own.length === 0 || times.length === 0) continue;
    // Measured once only, there is no round in common.
    const paired = times.length === own.length;
    ratios[remote.name] = paired
      ? median(times.map((time, round) => time / own[round]))
      : median(times) / median(own);
  }
  return ratios;
}
