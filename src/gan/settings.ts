import { concat, slice, type Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import { check, checkType, show } from "../errors.ts";
import type { Network } from "../nn/network.ts";
import { randomNormal } from "../ops/random.ts";
import { detached } from "../ops/stop-gradient.ts";
import { constant, type Schedule } from "../optim/schedule.ts";
import type { Augment } from "./augment.ts";
import type { Game } from "./game.ts";
import { type AdversarialLoss, nonSaturating } from "./losses.ts";

/** A GAN of a generator and a discriminator. Recipes make these; so may you. */
export interface GanSettings {
  /** float32 [N, latent] → pictures float32 [N, resolution, resolution, channels] in [-1, 1]. */
  readonly generator: Network;
  /** Pictures → logits [N] or [N, 1]. */
  readonly discriminator: Network;
  /** Numbers of the generator's input, drawn from N(0, 1). */
  readonly latent: number;
  /** Height and width of pictures in pixels. */
  readonly resolution: number;
  /** Default 3. */
  readonly channels?: number;
  /** Pictures a step. Default 32. */
  readonly batch?: number;
  /** Length of training in thousands of real pictures; schedules run over it. Default 50. */
  readonly kimg?: number;
  /** Integer, 0 to 2^32 - 1: with the data it decides every number of a run. Default 0. */
  readonly seed?: number;
  /** Adam's step size, of both players. Default 2e-4 throughout. */
  readonly learningRate?: Schedule;
  /** Default 0.5. */
  readonly beta1?: number;
  /** Default 0.99. */
  readonly beta2?: number;
  /**
   * Half-life, in images, of the average of the generator that samples are drawn from. It is shorter at
   * first: a tenth of the pictures seen. Default 4000.
   */
  readonly averageHalfLife?: number;
  /** Default: the non-saturating loss. */
  readonly loss?: AdversarialLoss;
  /** Applied to every picture, real or fake, before the discriminator. Default: none. */
  readonly augment?: Augment;
  /**
   * Record a step's kernels once and replay them: faster, the same numbers. Networks, loss and augment are then
   * called for the first two steps only, so they must depend on nothing that changes from step to step but
   * their arguments and the values of variables. Default true.
   */
  readonly capture?: boolean;
  /** The recipe's name and options, so that a checkpoint alone can make the networks again. */
  readonly recipe?: { readonly name: string; readonly options: object };
}

/** Settings with every default filled in. */
export type CompleteSettings = Required<Omit<GanSettings, "augment" | "recipe">> &
  Pick<GanSettings, "augment" | "recipe">;

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) > 0;

/** Fills in defaults and refuses what cannot be. */
export function completeSettings(given: GanSettings): CompleteSettings {
  const settings: CompleteSettings = {
    channels: 3,
    batch: 32,
    kimg: 50,
    seed: 0,
    learningRate: constant(2e-4),
    beta1: 0.5,
    beta2: 0.99,
    averageHalfLife: 4000,
    loss: nonSaturating,
    capture: true,
    // An option given as undefined is one left out.
    ...(Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as unknown as GanSettings),
  };
  for (const name of ["latent", "resolution", "channels", "batch"] as const) {
    check(
      isCount(settings[name]),
      () => `createGan: expected ${name} to be a whole number above 0, got ${show(settings[name])}`,
    );
  }
  check(settings.kimg > 0, () => `createGan: expected kimg above 0, got ${settings.kimg}`);
  check(
    settings.averageHalfLife >= 0,
    () => `createGan: expected averageHalfLife of at least 0, got ${settings.averageHalfLife}`,
  );
  check(
    Number.isInteger(settings.seed) && settings.seed >= 0 && settings.seed < 2 ** 32,
    () => `createGan: expected seed to be a whole number from 0 to 4294967295, got ${settings.seed}`,
  );
  for (const name of ["generator", "discriminator"] as const) {
    checkType(
      typeof settings[name]?.apply === "function",
      () =>
        `createGan: expected ${name} to be a network. Make one by network(), networkOf() or fromLayersModel().`,
    );
  }
  checkFunction("learningRate", settings.learningRate);
  checkFunction("loss.discriminator", settings.loss.discriminator);
  checkFunction("loss.generator", settings.loss.generator);
  if (settings.augment !== undefined) checkFunction("augment", settings.augment);
  return settings;
}

function checkFunction(name: string, value: unknown): void {
  checkType(
    typeof value === "function",
    () => `createGan: expected ${name} to be a function, got ${show(value)}`,
  );
}

/** The two-player game: the discriminator's turn, then the generator's, each on fresh noise. */
export function twoPlayerGame(settings: CompleteSettings): Game {
  const { latent, batch, loss, augment, learningRate, beta1, beta2 } = settings;
  const shown = (x: Tensor, key: Parameters<Augment>[1]): Tensor =>
    augment ? augment(x as Tensor4D, key) : x;
  return {
    players: {
      generator: {
        network: settings.generator,
        ...{ learningRate, beta1, beta2, averageHalfLife: settings.averageHalfLife },
      },
      discriminator: { network: settings.discriminator, learningRate, beta1, beta2 },
    },
    turns: [
      {
        player: "discriminator",
        loss: ({ real, run, key }) => {
          const z = randomNormal([batch, latent], { key: key("z") });
          const fake = detached(() => run("generator", z));
          // One pass over both halves keeps the kernels busy; norms stay apart by `parts`.
          const logits = run("discriminator", shown(concat([real as Tensor, fake]), key("augment")), 2);
          if (loss.discriminator.joined) return loss.discriminator.joined(logits);
          const half = [batch, ...logits.shape.slice(1)];
          const rest = logits.shape.slice(1).map(() => 0);
          return loss.discriminator(slice(logits, [0, ...rest], half), slice(logits, [batch, ...rest], half));
        },
      },
      {
        player: "generator",
        loss: ({ run, key }) => {
          const fake = run("generator", randomNormal([batch, latent], { key: key("z") }));
          return loss.generator(run("discriminator", shown(fake, key("augment"))));
        },
      },
    ],
  };
}
