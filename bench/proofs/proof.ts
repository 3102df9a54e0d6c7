import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { encodePng, type Picture } from "../../src/io/index.ts";
import { writeFileAtomic } from "../../src/io/node.ts";
import { type Machine, machine } from "../machine.ts";

/** What a proof is asked for. */
export interface ProofOptions {
  readonly name: string;
  /** Integer, 0 to 2^32 - 1. */
  readonly seed: number;
  /** Length of training in thousands of pictures, where not the proof's own. */
  readonly kimg?: number;
  /** Each contestant stops after so many minutes of the processor, where not at its length before. */
  readonly cpuMinutes?: number;
  /** Folder with `mnist`, `faces`, `features`. */
  readonly data: string;
  /** Where checkpoints go: a run of the same name and seed goes on from there. */
  readonly runs: string;
}

/** A training run whose figures are committed beside the command that repeats it. */
export interface Proof {
  /** What it is to show, in a line. */
  readonly summary: string;
  run(options: ProofOptions): Promise<void>;
}

/** Figures by name. */
export type Figures = Readonly<Record<string, unknown>>;

/** A run at one moment. Minutes are those of training alone, without evaluation. */
export interface CurvePoint {
  readonly kimg: number;
  /** The length that schedules ran over up to here; it changes where a run was gone on with by another. */
  readonly plannedKimg?: number;
  readonly minutes: number;
  /** Of the processor: what compares on a machine that other programs use, too. */
  readonly cpuMinutes: number;
  readonly figures: Figures;
}

/** What is committed as `bench/proofs/NAME.json`. */
export interface ProofRecord {
  readonly command: string;
  readonly seeds: readonly number[];
  readonly machine: Machine;
  readonly date: string;
  /** Of all training, by the clock and by the processor. */
  readonly minutes: number;
  readonly cpuMinutes: number;
  /** By contestant. */
  readonly curves?: Readonly<Record<string, readonly CurvePoint[]>>;
  readonly figures: Figures;
}

const at = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The command that repeats a proof. */
export function commandOf({ name, seed, kimg, cpuMinutes }: Omit<ProofOptions, "data" | "runs">): string {
  const length = kimg === undefined ? "" : ` --kimg ${kimg}`;
  const limit = cpuMinutes === undefined ? "" : ` --minutes ${cpuMinutes}`;
  return `npm run proof -- ${name} --seed ${seed}${length}${limit}`;
}

/** Writes `bench/proofs/NAME.json`. */
export async function writeProof(name: string, proof: Omit<ProofRecord, "machine" | "date">): Promise<void> {
  const { command, seeds, ...rest } = proof;
  const record: ProofRecord = { command, seeds, machine: machine(), date: new Date().toISOString(), ...rest };
  await writeFileAtomic(at(`${name}.json`), new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`));
}

/** The committed record of a proof; undefined where there is none. */
export async function readProof(name: string): Promise<ProofRecord | undefined> {
  return readFile(at(`${name}.json`), "utf8").then(JSON.parse, () => undefined);
}

/** Writes `bench/proofs/NAME.png`. */
export const writePicture = (name: string, picture: Picture): Promise<void> =>
  writeFileAtomic(at(`${name}.png`), encodePng(picture));

/** To so many digits after the point, so that files stay readable. */
export const rounded = (value: number, digits = 4): number => Number(value.toFixed(digits));
