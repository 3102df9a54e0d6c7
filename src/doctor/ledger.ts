import type { Finding } from "../gan/finding.ts";

/** Looks without a finding after which it is over. */
const clearAfter = 3;

/** What stands at present, so that a finding is reported once until it clears. */
export class Ledger {
  /** Looks since each was last found. */
  readonly #standing = new Map<string, number>();

  /** Takes all that one look found; those that are new. */
  update(findings: readonly Finding[]): Finding[] {
    for (const [key, looks] of this.#standing) {
      if (looks + 1 >= clearAfter) this.#standing.delete(key);
      else this.#standing.set(key, looks + 1);
    }
    const fresh = findings.filter((finding) => !this.#standing.has(keyOf(finding)));
    for (const finding of findings) this.#standing.set(keyOf(finding), 0);
    return fresh;
  }

  /** True for a finding like one that stands. */
  has(finding: Finding): boolean {
    return this.#standing.has(keyOf(finding));
  }

  forget(): void {
    this.#standing.clear();
  }
}

const keyOf = ({ kind, about }: Finding): string => `${kind} ${about ?? ""}`;
