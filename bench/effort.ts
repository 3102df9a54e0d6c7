import type { Case } from "./cases.ts";
import type { Effort } from "./contest.ts";
import type { ContestantName } from "./rivals/contestant.ts";
import { stepSection } from "./steps.ts";

/** How long to measure a case. Steps take seconds with some rivals: one sample a round may have to do. */
export function effortOf({ section }: Case, quick: boolean): Effort {
  if (quick) return { rounds: 2, seconds: 0.05, patience: 0.5 };
  return {
    rounds: 5,
    seconds: section === stepSection ? 1 : 0.15,
    patience: section === stepSection ? 5 : 1,
  };
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
