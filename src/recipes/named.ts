import { CheckpointError, check } from "../errors.ts";
import { ada } from "../gan/ada.ts";
import { apa } from "../gan/apa.ts";
import { type Augment, diffAugment } from "../gan/augment.ts";
import type { GanSettings } from "../gan/settings.ts";
import type { TrainingState } from "../gan/state.ts";
import { dcgan } from "./dcgan.ts";
import { fastgan } from "./fastgan.ts";
import type { RecipeOptions } from "./options.ts";
import { r3gan } from "./r3gan.ts";
import { sngan } from "./sngan.ts";
import { stylegan2 } from "./stylegan2.ts";
import { wganGp } from "./wgan-gp.ts";

/** What makes the settings of each recipe, by the name that checkpoints keep. */
const recipes = { dcgan, r3gan, stylegan2, fastgan, sngan, "wgan-gp": wganGp } as const;

export type RecipeName = keyof typeof recipes;
export const recipeNames = Object.keys(recipes) as readonly RecipeName[];

/** Augmentations as they are by default, by the name that checkpoints keep. */
const augments = {
  none: (): undefined => undefined,
  diffaugment: (): Augment => diffAugment(),
  ada: (): Augment => ada(),
  apa: (): Augment => apa(),
} as const;

export type AugmentName = keyof typeof augments;
export const augmentNames = Object.keys(augments) as readonly AugmentName[];

export type RecipeSize = "nano" | "small" | "full";
export const recipeSizes: readonly RecipeSize[] = ["nano", "small", "full"];

/** Options that every recipe has, where what it should be is known by name only. */
export interface NamedOptions extends RecipeOptions {
  /** Of the networks. Default: the recipe's. */
  readonly size?: RecipeSize;
  /** Height and width of pictures. Default 32. */
  readonly resolution?: number;
  /** Pictures that there are to learn from. Default: plenty. */
  readonly pictures?: number;
  /** Default: the recipe's; "ada" for `r3gan`, `stylegan2` and `sngan` where there are fewer than 20,000 pictures. */
  readonly augment?: AugmentName;
}

/** With fewer pictures a discriminator soon knows each by heart. */
const plenty = 20_000;

/** Recipes without an augmentation of their own that bear one. */
const bare: readonly RecipeName[] = ["r3gan", "stylegan2", "sngan"];

/**
 * A recipe chosen by name, as a form or a command line has it: `recipeNamed("r3gan", { resolution: 64, augment: "ada" })`.
 * @throws RangeError for a name that is none of `recipeNames`, and for an option that the recipe cannot have
 */
export function recipeNamed(
  name: RecipeName,
  { pictures = plenty, ...asked }: NamedOptions = {},
): GanSettings {
  const { augment = pictures < plenty && bare.includes(name) ? "ada" : undefined, ...options } = asked;
  check(
    Object.hasOwn(recipes, name),
    () => `recipeNamed: expected one of ${recipeNames.join(", ")}, got "${name}"`,
  );
  check(
    augment === undefined || Object.hasOwn(augments, augment),
    () => `recipeNamed: expected augment to be one of ${augmentNames.join(", ")}, got "${augment}"`,
  );
  const make = recipes[name] as (options: object) => GanSettings;
  const settings = make(options);
  if (augment === undefined) return settings;
  const kept = { ...settings.recipe?.options, augment };
  return { ...settings, augment: augments[augment](), recipe: { name, options: kept } };
}

/**
 * The settings that a checkpoint was trained with, by its metadata alone: `createGan(recipeOf(state.metadata))`, then
 * `gan.restore(state)`. What was set beside a recipe's options (another loss, an augmentation's strength) is not kept there,
 * so that who sets such things sets them again.
 * @param kimg another length of training. Default: the checkpoint's.
 * @throws CheckpointError for one that no recipe made
 */
export function recipeOf(
  { recipe }: TrainingState["metadata"],
  { kimg }: { readonly kimg?: number } = {},
): GanSettings {
  const { name, options } = parsed(recipe);
  const { augment = "none" } = options;
  if (!(Object.hasOwn(recipes, name) && Object.hasOwn(augments, augment))) {
    throw new CheckpointError(
      "checkpoint-network",
      `checkpoint: expected one of the recipe ${recipeNames.join(", ")}, with augment ${augmentNames.join(", ")}, got ${recipe}. Make its networks as when it was trained.`,
    );
  }
  const length = kimg === undefined ? {} : { kimg };
  return recipeNamed(name, { ...options, ...length });
}

interface Parsed {
  readonly name: RecipeName;
  /** Without `augment` where the recipe's own was used. */
  readonly options: NamedOptions;
}

function parsed(recipe: string | undefined): Parsed {
  try {
    const { name, options } = JSON.parse(recipe ?? "");
    return { name, options: { ...options } };
  } catch {
    return { name: "" as RecipeName, options: {} };
  }
}
