import { readFileSync } from "node:fs";

/** A program of the README, and what it says that the program prints. */
export interface Program {
  readonly code: string;
  /** Matches the whole output; `...` in the README stands for any text. */
  readonly prints: RegExp;
}

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** The fenced block that follows `<!-- MARKER -->` in the README. */
function block(marker: string): string {
  const [, after] = readme.split(`<!-- ${marker} -->\n`);
  const fenced = after?.match(/^\s*```\w*\n([\s\S]*?)\n```/);
  if (!fenced) throw new Error(`README.md: expected a fenced block after <!-- ${marker} -->`);
  return fenced[1];
}

/** Names of all programs. */
export const programs: readonly string[] = [...readme.matchAll(/^<!-- program: (\S+) -->$/gm)].map(
  ([, name]) => name,
);

/** The lines of commands after `<!-- commands: NAME -->`, in words. */
export const commands = (name: string): string[][] =>
  block(`commands: ${name}`)
    .split("\n")
    .map((line) => line.split(" "));

/** The program after `<!-- program: NAME -->`, with its output after `<!-- prints: NAME -->`. */
export function program(name: string): Program {
  const parts = block(`prints: ${name}`).trim().split("...");
  const pattern = parts.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[\\s\\S]*");
  return { code: `${block(`program: ${name}`)}\n`, prints: new RegExp(`^${pattern}$`) };
}
