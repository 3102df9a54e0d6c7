import type { Case } from "./cases.ts";
import { type Effort, type Row, runCase } from "./contest.ts";
import type { Remote } from "./protocol.ts";
import { type ContestantName, everyName, gpuNames, isOwn } from "./rivals/contestant.ts";
import { stepSection } from "./steps.ts";

/** How long to measure a case. Steps take seconds with some rivals: one sample a round may have to do. */
function effortOf({ section }: Case, quick: boolean): Effort {
  if (quick) return { rounds: 2, seconds: 0.05, patience: 0.5 };
  const step = section === stepSection;
  return { rounds: 5, seconds: step ? 1 : 0.2, patience: step ? 4 : 0.5 };
}

/** Cases whose name contains a text, without the rivals that are not wanted. */
export function chosen(
  cases: readonly Case[],
  { only, rivals }: { readonly only: string; readonly rivals?: readonly ContestantName[] },
): Case[] {
  const part = only.toLowerCase();
  return cases
    .filter(({ name }) => name.toLowerCase().includes(part))
    .map((one) => ({ ...one, rivals: one.rivals.filter((name) => rivals?.includes(name) ?? true) }));
}

/** The cases with contestants on the GPU: ganvil in all, TensorFlow.js in those where another backend of it is. */
export const withGpu = (cases: readonly Case[]): Case[] =>
  cases.map((one) => {
    const shared = one.rivals.some((name) => name.startsWith("tfjs"));
    return { ...one, rivals: [...one.rivals, ...gpuNames.filter((name) => shared || isOwn(name))] };
  });

/** Everybody who takes part in any of the cases. */
export function entrants(cases: readonly Case[]): ContestantName[] {
  const rivals = new Set(cases.flatMap((one) => one.rivals));
  return everyName.filter((name) => name === "ganvil" || rivals.has(name));
}

/**
 * Runs cases one after another.
 * @param running contestants that have been started; others of a case are left out.
 * @param begin told each case before it is run.
 * @param own whom ratios compare with; default ganvil.
 */
export async function* runCases(
  cases: readonly Case[],
  running: ReadonlyMap<ContestantName, Remote<ContestantName>>,
  {
    quick,
    begin,
    own,
  }: { readonly quick: boolean; readonly begin: (one: Case) => void; readonly own?: ContestantName },
): AsyncGenerator<Row> {
  for (const one of cases) {
    begin(one);
    const contestants = entrants([one]).flatMap((name) => running.get(name) ?? []);
    yield await runCase(one, contestants, { ...effortOf(one, quick), own });
  }
}
