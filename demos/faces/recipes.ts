import {
  ada,
  CheckpointError,
  type DcganOptions,
  dcgan,
  diffAugment,
  fastgan,
  type GanSettings,
  r3gan,
  stylegan2,
} from "ganvil";

/** What can be chosen as recipe, and as the size of its networks. */
export const recipes = ["dcgan", "r3gan", "stylegan2", "fastgan"] as const;
export type RecipeName = (typeof recipes)[number];
export const sizes = ["nano", "small", "full"] as const;
export type Size = (typeof sizes)[number];

export interface FacesOptions {
  readonly recipe: RecipeName;
  /** Default: the recipe's. */
  readonly size?: Size;
  readonly resolution: 32 | 64;
  /** Default: the recipe's. */
  readonly batch?: number;
  readonly kimg: number;
  readonly seed: number;
}

/**
 * The GAN of a session. A few hundred photographs need augmentation, or the discriminator learns them by
 * heart; of drawn faces there are plenty, and without it their flat colours come out clean in half the time.
 */
export function facesRecipe(
  { recipe, ...options }: FacesOptions,
  pictures: "photographs" | "drawn",
): GanSettings {
  const photographs = pictures === "photographs";
  const augment = photographs ? ada() : undefined;
  if (recipe === "r3gan") return r3gan({ ...options, augment });
  if (recipe === "stylegan2") return stylegan2({ ...options, augment });
  if (recipe === "fastgan") return fastgan(options);
  return dcgan({ ...options, augment: photographs });
}

const byName: Readonly<Record<RecipeName, (options: never) => GanSettings>> = {
  dcgan,
  r3gan,
  stylegan2,
  fastgan,
};

/**
 * The GAN that a checkpoint was made with, by its metadata; the recipe checks the options.
 * @param kimg another length of training. Default: the checkpoint's.
 * @throws CheckpointError for a recipe that is none of the demo's
 */
export function recipeAgain(recipe: string | undefined, kimg?: number): GanSettings {
  const { name, options } = parsed(recipe);
  const known = recipes.find((one) => one === name);
  if (known === undefined) {
    throw new CheckpointError(
      "checkpoint-network",
      `checkpoint: expected one of the recipe ${recipes.join(", ")}, got ${recipe}. Open one that this page or the faces command wrote.`,
    );
  }
  const augment = options.augment === "ada" ? ada() : options.augment;
  const length = kimg === undefined ? {} : { kimg };
  return byName[known]({
    ...options,
    ...length,
    augment: augment === "diffaugment" ? diffAugment() : augment,
  } as never);
}

interface Parsed {
  readonly name?: string;
  /** Augmentations by their names. */
  readonly options: Omit<DcganOptions, "augment"> & { readonly augment?: boolean | string };
}

function parsed(recipe: string | undefined): Parsed {
  try {
    const { name, options } = JSON.parse(recipe ?? "");
    return { name, options };
  } catch {
    return { options: {} };
  }
}
