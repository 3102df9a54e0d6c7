import type { Tensor } from "@tensorflow/tfjs-core";
import { CheckpointError, showShape } from "../errors.ts";
import { isAdjustment } from "./adjust.ts";

/** A named array of a state, as it is saved. */
export interface StateTensor {
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/**
 * All that a training run needs to go on exactly: weights, EMA, Adam moments as tensors; step, images seen,
 * keys, data cursor and the recipe as strings. Saving, resuming, rolling back and moving between Node and
 * browser are the same operation on it.
 */
export interface TrainingState {
  readonly tensors: Readonly<Record<string, StateTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Written into every state, and required of one. */
const stateFormat = { format: "ganvil-training-state", version: "1" } as const;

/** Where training stands, beside its arrays. */
export interface Position {
  readonly step: number;
  readonly imagesSeen: number;
  /** Position in the data. */
  readonly cursor: number;
  readonly seed: number;
  /** Steps that each player's optimizer has taken. */
  readonly optimizerSteps: Readonly<Record<string, number>>;
  /** What controllers hold, and what the run has been adjusted by. */
  readonly controls: Readonly<Record<string, number>>;
}

/** A state's metadata: where training stands, and the recipe, if any, that makes the networks again. */
export function metadataOf(
  { optimizerSteps, controls, ...numbers }: Position,
  recipe: object | undefined,
): TrainingState["metadata"] {
  return {
    ...stateFormat,
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])),
    optimizerSteps: JSON.stringify(optimizerSteps),
    controls: JSON.stringify(controls),
    ...(recipe !== undefined && { recipe: JSON.stringify(recipe) }),
  };
}

/**
 * Where training stands by a state's metadata.
 * @throws CheckpointError when it is of another format or incomplete
 */
export function positionOf(
  metadata: TrainingState["metadata"],
  players: readonly string[],
  controllers: readonly string[],
): Position {
  if (metadata.format !== stateFormat.format || metadata.version !== stateFormat.version) {
    throw new CheckpointError(
      "checkpoint-foreign",
      `checkpoint: expected format "${stateFormat.format}" version ${stateFormat.version}, got "${metadata.format}" version ${metadata.version}. It was not written by this library's training.`,
    );
  }
  const [step, imagesSeen, cursor, seed] = ["step", "imagesSeen", "cursor", "seed"].map((key) =>
    wholeNumber(key, metadata[key]),
  );
  return {
    ...{ step, imagesSeen, cursor, seed },
    optimizerSteps: numbersOf("optimizerSteps", metadata.optimizerSteps, players, isWhole),
    controls: numbersOf("controls", metadata.controls, controllers, Number.isFinite, isAdjustment),
  };
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function wholeNumber(key: string, text: string | undefined): number {
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new CheckpointError(
    "checkpoint-metadata",
    `checkpoint: expected metadata "${key}" to be a whole number, got ${JSON.stringify(text)}`,
  );
}

/** The numbers of these names that a JSON text holds, and of others that may stand there. */
function numbersOf(
  what: string,
  text: string | undefined,
  names: readonly string[],
  isRight: (value: unknown) => boolean,
  isOptional: (name: string) => boolean = () => false,
): Record<string, number> {
  let found: Record<string, unknown> | null = null;
  try {
    found = JSON.parse(text ?? "null");
  } catch {
    // Said below, for each name that is missing.
  }
  const numbers: Record<string, number> = {};
  const optional = Object.keys(found ?? {}).filter(isOptional);
  for (const name of [...names, ...optional]) {
    const value = found?.[name];
    if (!isRight(value)) {
      throw new CheckpointError(
        "checkpoint-metadata",
        `checkpoint: expected metadata "${what}" to hold a number for "${name}", got ${JSON.stringify(value)}. Make the GAN with the recipe and options that it was trained with.`,
      );
    }
    numbers[name] = value as number;
  }
  return numbers;
}

/**
 * Refuses a state whose arrays are not those of the variables.
 * @throws CheckpointError `checkpoint-network`
 */
export function checkArrays(
  variables: readonly (readonly [name: string, variable: Tensor])[],
  tensors: TrainingState["tensors"],
): void {
  for (const [name, { shape }] of variables) checkArray(name, shape, tensors[name]);
  const known = new Set(variables.map(([name]) => name));
  const unknown = Object.keys(tensors).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new CheckpointError(
      "checkpoint-network",
      `checkpoint: it has ${unknown.length} arrays that these networks lack, such as "${unknown[0]}". Make the GAN with the recipe and options that it was trained with.`,
    );
  }
}

function checkArray(name: string, shape: readonly number[], found: StateTensor | undefined): void {
  const expected = `float32 ${showShape(shape)}`;
  const got = found === undefined ? "nothing" : `${found.dtype} ${showShape(found.shape)}`;
  if (expected === got) return;
  throw new CheckpointError(
    "checkpoint-network",
    `checkpoint: expected "${name}" to be ${expected}, got ${got}. Make the GAN with the recipe and options that it was trained with.`,
  );
}
