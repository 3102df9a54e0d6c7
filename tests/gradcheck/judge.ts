import { type Answers, type Level, levels, type Outcome } from "./answers.ts";

/** Missing: no such function, or no such kernel of the backend. Throws: any other error, so where there is no gradient. */
export type Mark = "right" | "wrong" | "throws" | "missing";

export interface Verdict {
  readonly mark: Mark;
  /** Greatest error, of the root mean square of a tensor's numbers. */
  readonly error?: number;
  readonly failed?: string;
}

export type Verdicts = { readonly [level in Level]: Verdict };

/** Errors of float32 allowed at each level; they grow with the number of operations. */
const tolerances: { readonly [level in Level]: number } = { forward: 1e-5, first: 1e-5, second: 1e-4 };

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/** A tensor of numbers much smaller than the others' is held to a part of theirs: they lost its digits. */
const leastPart = 0.02;

function greatestError(actual: Answers[Level], expected: Answers[Level]): number {
  const all = rms(expected.flat());
  let worst = 0;
  for (const [i, list] of expected.entries()) {
    const scale = Math.max(rms(list), leastPart * all);
    for (const [j, value] of list.entries()) {
      const error = Math.abs(actual[i][j] - value) / scale;
      if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  return worst;
}

const missing = /no such function|Kernel .* not registered/;

/** Compares what a backend says of a network with the float64 reference. */
export function judge(outcome: Outcome, reference: Answers): Verdicts {
  const verdict = (level: Level): Verdict => {
    const answer = outcome[level];
    if ("failed" in answer) {
      return { mark: missing.test(answer.failed) ? "missing" : "throws", failed: answer.failed };
    }
    const error = greatestError(answer, reference[level]);
    return { mark: error <= tolerances[level] ? "right" : "wrong", error };
  };
  return Object.fromEntries(levels.map((level) => [level, verdict(level)])) as Verdicts;
}
