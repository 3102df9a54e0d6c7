import { type ParseArgsConfig, parseArgs } from "node:util";

/** A fault in how the command was called: shown without a stack. */
export class UsageError extends Error {}

type FlagTypes = NonNullable<ParseArgsConfig["options"]>;

/** Flags by name, as they were written; `--help` is one of every command's. */
type Flags<T extends FlagTypes> = {
  readonly [Name in keyof T | "help"]?: Name extends keyof T
    ? T[Name]["type"] extends "string"
      ? string
      : boolean
    : boolean;
};

/** @throws UsageError for a flag that the command does not have */
export function readFlags<T extends FlagTypes>(args: readonly string[], types: T): Flags<T> {
  try {
    return parseArgs({ args: [...args], options: { ...types, help: { type: "boolean" } } })
      .values as Flags<T>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

interface NumberKind {
  readonly least: number;
  readonly whole?: boolean;
}

/**
 * The number that a flag was given; undefined where it was not.
 * @throws UsageError naming the flag, what was expected and what was found
 */
export function numberOf(
  name: string,
  text: string | undefined,
  { least, whole }: NumberKind,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const isNumber = text.trim() !== "" && Number.isFinite(value) && value >= least;
  if (isNumber && !(whole && !Number.isSafeInteger(value))) return value;
  const kind = whole ? "a whole number" : "a number";
  throw new UsageError(`--${name}: expected ${kind} of at least ${least}, got "${text}"`);
}

/**
 * The choice that a flag was given; undefined where it was not.
 * @throws UsageError naming the flag, what was expected and what was found
 */
export function choiceOf<T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (text === undefined || (choices as readonly string[]).includes(text)) return text as T | undefined;
  throw new UsageError(`--${name}: expected ${inWords(choices)}, got "${text}"`);
}

/** `dcgan, r3gan or fastgan` */
export const inWords = (choices: readonly string[]): string =>
  `${choices.slice(0, -1).join(", ")} or ${choices[choices.length - 1]}`;
