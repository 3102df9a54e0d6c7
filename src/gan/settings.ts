import { check, checkType, show } from "../errors.ts";
import type { Network } from "../nn/network.ts";
import { type Schedule, scheduleOf } from "../optim/schedule.ts";
import type { Augment } from "./augment.ts";
import type { Controller } from "./controller.ts";
import { type AdversarialLoss, nonSaturating } from "./losses.ts";
import type { Regularizer } from "./regularizers.ts";

/** A number of each player. */
export interface OfEach<T> {
  readonly generator: T;
  readonly discriminator: T;
}

/** A GAN of a generator and a discriminator. Recipes make these; so may you. Where a schedule is taken, so is a number. */
export interface GanSettings {
  /** float32 [N, latent] → pictures float32 [N, resolution, resolution, channels] in [-1, 1]. */
  readonly generator: Network;
  /** Pictures → logits [N] or [N, 1]; with `auxiliary` [N, 1 + classes], the logits of the classes behind. */
  readonly discriminator: Network;
  /** Numbers of the generator's input, drawn from N(0, 1). */
  readonly latent: number;
  /** Height and width of pictures in pixels. */
  readonly resolution: number;
  /** Default 3. */
  readonly channels?: number;
  /**
   * Classes of the pictures: both networks are told each picture's (`Mode.labels`), and the data must say it. Generated
   * pictures have the classes of the real ones beside them. Default 0: none.
   */
  readonly classes?: number;
  /** Pictures a turn. Default 32. */
  readonly batch?: number;
  /** A turn's pictures are taken in so many portions, whose gradients are averaged: a large batch in little memory. Divides `batch`. Default 1. */
  readonly accumulate?: number;
  /** Turns of the discriminator in a step, each on a batch of its own. Default 1. */
  readonly discriminatorSteps?: number;
  /** Length of training in thousands of real pictures; schedules run over it. Default 50. */
  readonly kimg?: number;
  /** Integer, 0 to 2^32 - 1: with the data it decides every number of a run. Default 0. */
  readonly seed?: number;
  /** Adam's step size, of both players or of each (two time scales: Heusel et al. 2017, arXiv 1706.08500). Default 2e-4. */
  readonly learningRate?: number | Schedule | OfEach<number | Schedule>;
  /** Default 0.5. */
  readonly beta1?: number;
  /** Default 0.99. */
  readonly beta2?: number | Schedule;
  /** A player's gradient is scaled down to this norm where it is longer. Default: it is taken as it is. */
  readonly clipNorm?: number;
  /**
   * Half-life, in images, of the average of the generator that samples are drawn from. It is shorter at
   * first: a tenth of the pictures seen. Default 4000.
   */
  readonly averageHalfLife?: number | Schedule;
  /** Default: the non-saturating loss. */
  readonly loss?: AdversarialLoss;
  /** Terms added to the players' losses. Gradient penalties are by the pictures before augmentation. Default: none. */
  readonly regularizers?: readonly Regularizer[];
  /** Part of a turn's pictures, those that the discriminator rates best, that the generator learns from: see `best`. Default 1. */
  readonly topK?: number | Schedule;
  /** Weight of the class loss where the discriminator is an auxiliary classifier. Default: it is none. */
  readonly auxiliary?: { readonly weight: number };
  /** Normalise real and generated pictures of the discriminator's turn together, as one batch. Default false: apart. */
  readonly mixedBatches?: boolean;
  /** Applied to every picture, real or fake, before the discriminator. Default: none. */
  readonly augment?: Augment;
  /** Numbers that training adapts, such as `gammaController()`. Default: those that augment and regularizers bring. */
  readonly controllers?: readonly Controller[];
  /**
   * Record a step's kernels once and replay them: faster, the same numbers. Networks, losses and augment are then
   * called for the first two steps of each kind only, so they must depend on nothing that changes from step to step but
   * their arguments and the values of variables. Default true.
   */
  readonly capture?: boolean;
  /** The recipe's name and options, so that a checkpoint alone can make the networks again. */
  readonly recipe?: { readonly name: string; readonly options: object };
}

type Scheduled = "learningRate" | "beta2" | "averageHalfLife" | "topK";
type Absent = "augment" | "recipe" | "auxiliary" | "clipNorm";

/** Settings with every default filled in. */
export interface CompleteSettings
  extends Required<Omit<GanSettings, Scheduled | Absent>>,
    Pick<GanSettings, Absent> {
  readonly learningRate: OfEach<Schedule>;
  readonly beta2: Schedule;
  readonly averageHalfLife: Schedule;
  readonly topK: Schedule;
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) > 0;

/**
 * Fills in defaults and refuses what cannot be.
 * @throws RangeError, TypeError saying what was expected and found
 */
export function completeSettings(given: GanSettings): CompleteSettings {
  // An option given as undefined is one left out.
  const present = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as GanSettings;
  const { learningRate = 2e-4, beta2 = 0.99, averageHalfLife = 4000, topK = 1 } = present;
  const settings: CompleteSettings = {
    channels: 3,
    classes: 0,
    batch: 32,
    accumulate: 1,
    discriminatorSteps: 1,
    kimg: 50,
    seed: 0,
    beta1: 0.5,
    loss: nonSaturating,
    regularizers: [],
    mixedBatches: false,
    controllers: [],
    capture: true,
    ...present,
    learningRate: ratesOf(learningRate),
    beta2: scheduleOf(beta2, "createGan", "beta2"),
    averageHalfLife: scheduleOf(averageHalfLife, "createGan", "averageHalfLife"),
    topK: scheduleOf(topK, "createGan", "topK"),
  };
  const { batch, accumulate, classes, kimg, seed, clipNorm } = settings;
  const counts = ["latent", "resolution", "channels", "batch", "accumulate", "discriminatorSteps"] as const;
  for (const name of counts) {
    const value = settings[name];
    check(
      isCount(value),
      () => `createGan: expected ${name} to be a whole number above 0, got ${show(value)}`,
    );
  }
  check(
    batch % accumulate === 0,
    () => `createGan: expected accumulate to divide the batch of ${batch}, got ${accumulate}`,
  );
  check(
    Number.isSafeInteger(classes) && classes >= 0,
    () => `createGan: expected classes to be a whole number, got ${show(classes)}`,
  );
  check(kimg > 0, () => `createGan: expected kimg above 0, got ${kimg}`);
  check(
    clipNorm === undefined || clipNorm > 0,
    () => `createGan: expected clipNorm above 0, got ${clipNorm}. Leave it out for no clipping.`,
  );
  check(
    Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
    () => `createGan: expected seed to be a whole number from 0 to 4294967295, got ${seed}`,
  );
  for (const name of ["generator", "discriminator"] as const) {
    checkType(
      typeof settings[name]?.apply === "function",
      () =>
        `createGan: expected ${name} to be a network. Make one by network(), networkOf() or fromLayersModel().`,
    );
  }
  checkFunction("loss.discriminator", settings.loss.discriminator);
  checkFunction("loss.generator", settings.loss.generator);
  if (settings.augment !== undefined) checkFunction("augment.apply", settings.augment.apply);
  checkCombination(settings);
  return settings;
}

/** Refuses parts that do not go together. */
function checkCombination(settings: CompleteSettings): void {
  const { regularizers, auxiliary, classes, controllers, loss } = settings;
  for (const { refuses } of regularizers) {
    const reason = refuses?.(settings);
    check(reason === undefined, () => `createGan: ${reason}`);
  }
  const names = regularizers.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  check(
    twice === undefined,
    () => `createGan: expected each regulariser once, got "${twice}" twice. Add their weights up.`,
  );
  check(
    auxiliary === undefined || classes > 1,
    () =>
      `createGan: expected classes for an auxiliary classifier, got ${classes}. Set classes, or leave auxiliary out.`,
  );
  check(
    !controllers.some(({ name }) => name === "gamma") ||
      regularizers.some(({ weightControl }) => weightControl === "gamma"),
    () =>
      "createGan: expected r1 or r2 for gammaController to adapt, got neither. Add one, or leave the controller out.",
  );
  check(
    !controllers.some(({ name }) => name === "gamma") || loss.indifference > 0,
    () =>
      `createGan: gammaController weighs the penalty against a loss that is never below 0, which ${loss.name} is not. Choose a fixed gamma.`,
  );
}

/** One rate for both players, or one for each. */
function ratesOf(rate: NonNullable<GanSettings["learningRate"]>): OfEach<Schedule> {
  const each = typeof rate === "object" ? rate : { generator: rate, discriminator: rate };
  return {
    generator: scheduleOf(each.generator, "createGan", "learningRate"),
    discriminator: scheduleOf(each.discriminator, "createGan", "learningRate"),
  };
}

function checkFunction(name: string, value: unknown): void {
  checkType(
    typeof value === "function",
    () => `createGan: expected ${name} to be a function, got ${show(value)}`,
  );
}
