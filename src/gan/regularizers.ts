import {
  add,
  div,
  expandDims,
  grad,
  mean,
  mul,
  type Scalar,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor4D,
  tile,
} from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { isStyleNetwork, type Mode, type Network, type StyleNetwork } from "../nn/network.ts";
import { randomNormal, randomUniform } from "../ops/random.ts";
import type { Schedule } from "../optim/schedule.ts";
import type { Key } from "../random.ts";
import type { Augment } from "./augment.ts";
import type { Controller } from "./controller.ts";

/** Pictures of a turn: real ones, or the generator's. */
export type Side = "real" | "fake";

interface Turned {
  /** Key of this turn's random numbers for one purpose. */
  key(purpose: string): () => Key;
  /** What a controller holds at present. */
  control(name: string): Scalar;
  /** A number for the report, and for controllers. */
  observe(name: string, value: Scalar): void;
}

/** What a regulariser of the discriminator sees of a turn. */
export interface Critique extends Turned {
  /** float32 NHWC in [-1, 1], before augmentation. */
  readonly real: Tensor4D;
  readonly fake: Tensor4D;
  /** Logits float32 [N, 1] of the pictures as augmented. */
  readonly logits: Readonly<Record<Side, Tensor>>;
  /**
   * Gradient of each picture's logit by the picture before augmentation, of the pictures' shape; of the sides that
   * the regulariser asked for by `slopes`.
   */
  readonly slopes: Readonly<Record<Side, Tensor4D>>;
  /** D of other pictures, one for each of the batch's, augmented as this turn does: logits [N, 1]. */
  critic(x: Tensor4D): Tensor;
  /** D without augmentation. */
  plainCritic(x: Tensor4D): Tensor;
  /** Changes pictures as this turn augments them, with random numbers of this purpose. */
  augment(x: Tensor4D, purpose: string): Tensor4D;
}

/** What a regulariser of the generator sees of a turn. */
export interface Creation extends Turned {
  readonly generator: Network;
  /** How the generator is run in this turn. */
  readonly mode: Mode;
  /** float32 [N, latent]. */
  readonly z: Tensor;
  readonly fake: Tensor4D;
}

interface Weighed {
  /** Names it in reports; two of one GAN differ. */
  readonly name: string;
  /** Weight by progress. */
  readonly weight: Schedule;
  /**
   * Lazy regularisation (Karras et al. 2020, arXiv 1912.04958): the term counts in every so many steps only, so many
   * times as much. Default 1.
   */
  readonly every?: number;
  /** A controller that multiplies the weight. */
  readonly weightControl?: string;
  /** Numbers that the term keeps from step to step. */
  readonly controllers?: readonly Controller[];
  /** Why it cannot be part of such a GAN, if it cannot. */
  refuses?(gan: { readonly generator: Network; readonly augment?: Augment }): string | undefined;
}

/** A term added to the discriminator's loss. */
export interface DiscriminatorRegularizer extends Weighed {
  readonly player: "discriminator";
  /** Sides whose slopes the term needs. */
  readonly slopes?: readonly Side[];
  term(critique: Critique): Scalar;
}

/** A term added to the generator's loss. */
export interface GeneratorRegularizer extends Weighed {
  readonly player: "generator";
  term(creation: Creation): Scalar;
}

export type Regularizer = DiscriminatorRegularizer | GeneratorRegularizer;

/** A fixed number, or one that follows training's progress. */
export type Weight = number | Schedule;

interface RegularizerOptions {
  /** In every so many steps only, so many times as much. Default 1. */
  readonly every?: number;
}

function scheduled(what: string, weight: Weight): Schedule {
  if (typeof weight === "function") return weight;
  check(
    Number.isFinite(weight) && weight >= 0,
    () => `${what}: expected a weight of at least 0, got ${weight}`,
  );
  return () => weight;
}

function lazily(what: string, { every = 1 }: RegularizerOptions): { readonly every: number } {
  check(
    Number.isSafeInteger(every) && every >= 1,
    () => `${what}: expected every to be a whole number of at least 1, got ${every}`,
  );
  return { every };
}

const pixelAxes = [1, 2, 3];

/** Squared length of each picture's slope, [N]. */
const squaredNorm = (slope: Tensor): Tensor => sum(square(slope), pixelAxes);

/** Length of each, differentiable where it is 0. */
const lengths = (slope: Tensor): Tensor => sqrt(add(squaredNorm(slope), 1e-12));

/** Zero-centred penalty at the pictures of one side, γ/2·E‖∇D‖². */
function zeroCentred(
  name: string,
  side: Side,
  gamma: Weight,
  options: RegularizerOptions,
): DiscriminatorRegularizer {
  return {
    name,
    player: "discriminator",
    slopes: [side],
    weightControl: "gamma",
    weight: scheduled(name, gamma),
    ...lazily(name, options),
    term: ({ slopes }) => mul(mean(squaredNorm(slopes[side])), 0.5) as Scalar,
  };
}

/** R1 (Mescheder et al. 2018, arXiv 1801.04406): γ/2·E‖∇D(x)‖² at real pictures. */
export function r1(gamma: Weight, options: RegularizerOptions = {}): DiscriminatorRegularizer {
  return zeroCentred("r1", "real", gamma, options);
}

/** R2 (Mescheder et al. 2018, arXiv 1801.04406): γ/2·E‖∇D(G(z))‖² at generated pictures. */
export function r2(gamma: Weight, options: RegularizerOptions = {}): DiscriminatorRegularizer {
  return zeroCentred("r2", "fake", gamma, options);
}

/** Slope of D at other pictures, by the pictures before augmentation. */
const slopeAt = (critic: Critique["critic"], x: Tensor4D): Tensor =>
  grad((pictures) => sum(critic(pictures as Tensor4D)))(x);

/**
 * WGAN-GP (Gulrajani et al. 2017, arXiv 1704.00028): λ·E(‖∇D(x̂)‖ − 1)² at points x̂ between a real and a generated
 * picture. λ is 10 in the paper.
 */
export function gradientPenalty(
  lambda: Weight = 10,
  options: RegularizerOptions = {},
): DiscriminatorRegularizer {
  return {
    name: "gradient-penalty",
    player: "discriminator",
    weight: scheduled("gradientPenalty", lambda),
    ...lazily("gradientPenalty", options),
    term: ({ real, fake, critic, key }) => {
      const t = randomUniform([real.shape[0], 1, 1, 1], { key: key("between") });
      const between = add(fake, mul(t, sub(real, fake))) as Tensor4D;
      return mean(square(sub(lengths(slopeAt(critic, between)), 1))) as Scalar;
    },
  };
}

/**
 * DRAGAN (Kodali et al. 2017, arXiv 1705.07215): λ·E(‖∇D(x + δ)‖ − 1)² around real pictures, δ normal.
 * @param options `deviation` of δ in units of the pictures' range of 2, default 0.25.
 */
export function dragan(
  lambda: Weight = 10,
  options: RegularizerOptions & { readonly deviation?: number } = {},
): DiscriminatorRegularizer {
  const { deviation = 0.25 } = options;
  return {
    name: "dragan",
    player: "discriminator",
    weight: scheduled("dragan", lambda),
    ...lazily("dragan", options),
    term: ({ real, critic, key }) => {
      const near = add(real, randomNormal(real.shape, { key: key("near"), std: deviation })) as Tensor4D;
      return mean(square(sub(lengths(slopeAt(critic, near)), 1))) as Scalar;
    },
  };
}

/**
 * Consistency (Zhang et al. 2019, arXiv 1910.12027): λ·E(D(x) − D(T(x)))² of real pictures, for the GAN's own
 * augmentation T.
 */
export function consistency(lambda: Weight = 10, options: RegularizerOptions = {}): DiscriminatorRegularizer {
  return {
    name: "consistency",
    player: "discriminator",
    weight: scheduled("consistency", lambda),
    ...lazily("consistency", options),
    refuses: ({ augment }) =>
      augment === undefined
        ? "consistency: expected an augmentation whose changes the discriminator is to ignore, got none. Set augment, such as diffAugment()."
        : undefined,
    term: ({ real, plainCritic, augment }) =>
      mean(square(sub(plainCritic(real), plainCritic(augment(real, "consistency"))))) as Scalar,
  };
}

/** Follows a signal's mean over the last steps. */
const following = (name: string, signal: string, decay: number): Controller => ({
  name,
  initial: 0,
  next: (value, signals) =>
    signals[signal] === undefined ? value : decay * value + (1 - decay) * signals[signal],
});

/**
 * LeCam (Tseng et al. 2021, arXiv 2104.03310): λ·(E[(D(x) − α_F)²] + E[(D(G(z)) − α_R)²]), α the running means of real
 * and generated logits. For little data.
 * @param options `decay` of the running means, default 0.99.
 */
export function lecam(
  lambda: Weight = 0.3,
  options: RegularizerOptions & { readonly decay?: number } = {},
): DiscriminatorRegularizer {
  const { decay = 0.99 } = options;
  return {
    name: "lecam",
    player: "discriminator",
    weight: scheduled("lecam", lambda),
    ...lazily("lecam", options),
    controllers: [following("lecam-real", "realLogit", decay), following("lecam-fake", "fakeLogit", decay)],
    term: ({ logits, control }) =>
      add(
        mean(square(sub(logits.real, control("lecam-fake")))),
        mean(square(sub(logits.fake, control("lecam-real")))),
      ) as Scalar,
  };
}

/**
 * Path length (Karras et al. 2020, arXiv 1912.04958): λ·E(‖Jᵀy‖ − a)², with J = ∂G/∂w, y normal noise over the pixels
 * (divided by their number's root) and a the running mean of the lengths. Of a generator with a mapping network.
 * @param options `decay` of the running mean, default 0.99.
 */
export function pathLength(
  lambda: Weight = 2,
  options: RegularizerOptions & { readonly decay?: number } = {},
): GeneratorRegularizer {
  const { decay = 0.99 } = options;
  return {
    name: "path-length",
    player: "generator",
    weight: scheduled("pathLength", lambda),
    ...lazily("pathLength", options),
    controllers: [following("path-length", "pathLength", decay)],
    refuses: ({ generator }) =>
      isStyleNetwork(generator)
        ? undefined
        : "pathLength: expected a generator with a mapping network (z → w → picture), got one without. Use the stylegan2 recipe, or leave pathLength out.",
    term: ({ generator, mode, z, fake, key, control, observe }) => {
      const { map, synthesize, styles } = generator as StyleNetwork;
      const [, height, width] = fake.shape;
      const y = randomNormal(fake.shape, { key: key("path-length"), std: 1 / Math.sqrt(height * width) });
      const projected = (w: Tensor) => sum(mul(synthesize(w, mode), y));
      const w = map(z, mode);
      // One w for each layer, as the paper has it: their squared lengths are averaged.
      const spread = tile(expandDims(w, 1), [1, styles, 1]);
      const slope = grad(projected)(spread);
      const length = sqrt(add(div(sum(square(slope), [1, 2]), styles), 1e-12));
      observe("pathLength", mean(length) as Scalar);
      return mean(square(sub(length, control("path-length")))) as Scalar;
    },
  };
}
