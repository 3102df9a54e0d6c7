/** What became of one spec. */
export interface SpecReport {
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly detail: string;
}
