import { check } from "../errors.ts";
import type { Condition } from "../nn/condition.ts";

/** Options that every recipe has. */
export interface RecipeOptions {
  /** 1 (grey) or 3 (RGB). Default 3. */
  readonly channels?: 1 | 3;
  /** Classes of the pictures. Default 0: none. */
  readonly classes?: number;
  /** How the discriminator is told the class. Default "projection". */
  readonly condition?: Condition;
  /** Numbers of the generator's input. Default 64. */
  readonly latent?: number;
  /** Pictures a step. Default 32. */
  readonly batch?: number;
  /** Length of training in thousands of pictures. */
  readonly kimg?: number;
  /** Integer, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number;
}

/** Options that were given; one given as undefined is left out. */
export const given = <T extends object>(options: T): Partial<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;

/** Options as a checkpoint keeps them, for the recipe to be called with again: no condition where there are no classes. */
export function kept<T extends { readonly classes: number; readonly condition: Condition }>({
  condition,
  ...options
}: T): Omit<T, "condition"> & { readonly condition?: Condition } {
  return options.classes > 0 ? { ...options, condition } : options;
}

/** @throws RangeError naming the recipe for an option that it cannot have */
export function checkOptions(
  recipe: string,
  { channels, classes, condition, latent }: Required<Omit<RecipeOptions, "batch" | "kimg" | "seed">>,
  asked: { readonly condition?: Condition },
): void {
  check(channels === 1 || channels === 3, () => `${recipe}: expected channels 1 or 3, got ${channels}`);
  check(
    Number.isInteger(latent) && latent > 0 && latent <= 4096,
    () => `${recipe}: expected latent to be a whole number from 1 to 4096, got ${latent}`,
  );
  check(
    condition === "projection" || condition === "auxiliary",
    () => `${recipe}: expected condition "projection" or "auxiliary", got ${condition}`,
  );
  check(
    asked.condition === undefined || classes > 0,
    () => `${recipe}: expected classes for a condition, got ${classes}. Set classes, or leave condition out.`,
  );
}

/** @throws RangeError for a size that the recipe does not have */
export function checkSize<T extends string>(
  recipe: string,
  sizes: Readonly<Record<T, unknown>>,
  size: string,
): asserts size is T {
  check(
    Object.hasOwn(sizes, size),
    () => `${recipe}: expected size ${Object.keys(sizes).join(", ")}, got ${size}`,
  );
}

/** @throws RangeError for rates that are not two numbers above 0 */
export function checkRates(recipe: string, rates: readonly number[]): void {
  check(
    [rates[0], rates[1]].every((rate) => rate > 0),
    () => `${recipe}: expected learningRate [from, to], both above 0, got ${rates}`,
  );
}

/**
 * The γ that R1 begins with, by what held for StyleGAN2 from 32² to 1024² (Karras et al. 2020, arXiv 2006.06676,
 * appendix B).
 */
export function startingGamma(resolution: number, batch: number): number {
  return (2e-4 * resolution ** 2) / batch;
}
