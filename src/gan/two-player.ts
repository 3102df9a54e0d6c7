import {
  add,
  concat,
  grads,
  matMul,
  mean,
  mul,
  neg,
  ones,
  reshape,
  type Scalar,
  sign,
  slice,
  split,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  zeros,
} from "@tensorflow/tfjs-core";
import { randomNormal } from "../ops/random.ts";
import { logSoftmax } from "../ops/softmax.ts";
import { detached } from "../ops/stop-gradient.ts";
import { adjustmentOf } from "./adjust.ts";
import type { Game, Moment, Play } from "./game.ts";
import type { Critique, DiscriminatorRegularizer, GeneratorRegularizer, Side } from "./regularizers.ts";
import type { CompleteSettings } from "./settings.ts";
import { best } from "./top-k.ts";

/** The two-player game: the discriminator's turns, then the generator's, each on fresh noise. */
export function twoPlayerGame(settings: CompleteSettings): Game {
  const { regularizers, discriminatorSteps, accumulate, augment, controllers } = settings;
  const { learningRate, beta1, beta2, clipNorm, averageHalfLife } = settings;
  const { generator, discriminator } = settings;
  const adam = { beta1, beta2, clipNorm };
  return {
    players: {
      generator: { network: generator, learningRate: learningRate.generator, ...adam, averageHalfLife },
      discriminator: { network: discriminator, learningRate: learningRate.discriminator, ...adam },
    },
    turns: [
      ...Array.from({ length: discriminatorSteps }, (_, batch) => ({
        ...{ player: "discriminator", batch },
        loss: (play: Play) => discriminatorLoss(settings, play),
      })),
      { player: "generator", loss: (play) => generatorLoss(settings, play) },
    ],
    phase: (moment) => {
      const lazy = regularizers.map((regularizer) => (isDue(regularizer, moment) ? 1 : 0));
      return [...lazy, keptFakes(settings, moment)].join();
    },
    controllers: [
      ...controllers,
      ...(augment?.controllers ?? []),
      ...regularizers.flatMap((regularizer) => regularizer.controllers ?? []),
    ],
    accumulate,
  };
}

const isDue = ({ every = 1 }: { readonly every?: number }, { step }: Pick<Moment, "step">): boolean =>
  step % every === 0;

/** Pictures of a portion of the batch that the generator's turn counts: see `topK`. */
function keptFakes(
  { topK, batch, accumulate }: CompleteSettings,
  { progress }: Pick<Moment, "progress">,
): number {
  const portion = batch / accumulate;
  return Math.max(1, Math.min(portion, Math.round(topK(progress) * portion)));
}

/** The turn's latents; portions of a batch have their own. */
const latents = ({ latent }: CompleteSettings, { real, key }: Play): Tensor =>
  randomNormal([real.shape[0], latent], { key: key("z") });

/** A discriminator's result, [N] or [N, columns], as columns: logits first. */
const columned = (y: Tensor): Tensor2D => reshape(y, [y.shape[0], -1]);

/** Logits [N, 1] among a discriminator's columns. */
function logitsOf(y: Tensor): Tensor {
  return y.shape[1] === 1 ? y : slice(y, [0, 0], [-1, 1]);
}

/** Cross-entropy of the class logits behind the first column (Odena et al. 2016, arXiv 1610.09585). */
function classLoss(y: Tensor, labels: Tensor): Tensor {
  const logits = slice(y, [0, 1], [-1, y.shape[1]! - 1]);
  return neg(mean(sum(mul(labels, logSoftmax(logits as Tensor2D)), 1)));
}

/** A term times its weight at this moment. */
function weighted(
  { player, weight, every = 1, weightControl }: DiscriminatorRegularizer | GeneratorRegularizer,
  { number }: Play,
  term: Scalar,
): Tensor {
  const factor = number(
    ({ progress, controls }) =>
      every *
      weight(progress) *
      (weightControl === undefined ? 1 : (controls[weightControl] ?? 1)) *
      (player === "discriminator" ? adjustmentOf(controls, "penalty") : 1),
  );
  return mul(factor, term);
}

/** What both players' regularisers are given. */
const turned = ({ key, number, observe }: Play) => ({
  ...{ key, observe },
  control: (name: string) => number(({ controls }) => controls[name] ?? 0),
});

/** Changes pictures as the turn's discriminator is to see them, with random numbers of a purpose. */
function augmented({ augment }: CompleteSettings, play: Play): (x: Tensor4D, purpose: string) => Tensor4D {
  if (augment === undefined) return (x) => x;
  return (x, purpose) => augment.apply(x, { ...turned(play), key: (part) => play.key(`${purpose}.${part}`) });
}

/** Columns of D for pictures, and the slopes of their logits where they are wanted. */
interface Judged {
  readonly columns: Tensor2D;
  readonly slopes?: Tensor4D;
}

function discriminatorLoss(settings: CompleteSettings, play: Play): Scalar {
  const { loss, regularizers, augment, auxiliary, mixedBatches } = settings;
  const { labels, run, observe, moment } = play;
  const due = regularizers.filter(
    (regularizer): regularizer is DiscriminatorRegularizer =>
      regularizer.player === "discriminator" && isDue(regularizer, moment),
  );
  const fake = detached(() => run("generator", latents(settings, play))) as Tensor4D;
  const real = augment?.present?.(play.real, fake, { ...turned(play), labels }) ?? play.real;
  const shown = augmented(settings, play);
  const judged = (x: Tensor4D, purpose: string, parts: number, withSlopes: boolean): Judged => {
    const judge = (pictures: Tensor4D) => columned(run("discriminator", shown(pictures, purpose), parts));
    if (!withSlopes) return { columns: judge(x) };
    // The derivative of Σ weight·D(x) by the weights is D(x): logits and slopes come of one pass.
    const n = x.shape[0];
    const weights = auxiliary ? concat([ones([n, 1]), zeros([n, labels!.shape[1]])], 1) : ones([n, 1]);
    const weighed = (pictures: Tensor, weights: Tensor) => sum(mul(judge(pictures as Tensor4D), weights));
    const [slopes, columns] = grads(weighed)([x as Tensor, weights]);
    return { slopes: slopes as Tensor4D, columns: columns as Tensor2D };
  };
  const sloped = (side: Side) => due.some(({ slopes }) => slopes?.includes(side));
  const halves = judgedSides(judged, { real, fake }, sloped, mixedBatches ? 1 : 2);
  const { columns, joined } = halves;
  const logits = { real: logitsOf(columns.real), fake: logitsOf(columns.fake) };
  const adversarial =
    joined !== undefined && !auxiliary && loss.discriminator.joined
      ? loss.discriminator.joined(joined)
      : loss.discriminator(logits.real, logits.fake);
  observe("realLogit", mean(logits.real) as Scalar);
  observe("fakeLogit", mean(logits.fake) as Scalar);
  const lead = loss.relative ? sub(logits.real, logits.fake) : logits.real;
  observe("realSign", mean(sign(lead)) as Scalar);
  const terms: Tensor[] = [adversarial];
  if (due.length > 0) {
    observe("adversarial", adversarial);
    const critique: Critique = {
      ...{ real, fake, logits, slopes: halves.slopes, ...turned(play) },
      critic: (x) => logitsOf(judged(x, "augment", 1, false).columns),
      plainCritic: (x) => logitsOf(columned(run("discriminator", x))),
      augment: shown,
    };
    const penalties: Tensor[] = [];
    for (const regularizer of due) {
      const term = regularizer.term(critique);
      observe(regularizer.name, term);
      const weighed = weighted(regularizer, play, term);
      terms.push(weighed);
      if (regularizer.weightControl === "gamma") penalties.push(weighed);
    }
    if (penalties.length > 0) observe("penalty", penalties.reduce((a, b) => add(a, b)) as Scalar);
  }
  if (auxiliary) {
    const wrong = add(classLoss(columns.real, labels!), classLoss(columns.fake, labels!));
    terms.push(mul(wrong, auxiliary.weight));
  }
  return terms.reduce((a, b) => add(a, b)) as Scalar;
}

/** What D says of both sides. */
interface JudgedSides {
  /** Columns of both sides end to end, where they come of one pass. */
  readonly joined?: Tensor2D;
  readonly columns: Readonly<Record<Side, Tensor2D>>;
  readonly slopes: Critique["slopes"];
}

/** D of both sides, in one pass where both need the same of it: kernels are busier, and norms stay apart by parts. */
function judgedSides(
  judged: (x: Tensor4D, purpose: string, parts: number, withSlopes: boolean) => Judged,
  { real, fake }: Readonly<Record<Side, Tensor4D>>,
  sloped: (side: Side) => boolean,
  parts: number,
): JudgedSides {
  if (sloped("real") === sloped("fake") || parts === 1) {
    const withSlopes = sloped("real") || sloped("fake");
    const { columns: joined, slopes } = judged(concat([real, fake]), "augment", parts, withSlopes);
    const [onReal, onFake] = split(joined, 2) as Tensor2D[];
    // Nobody asks for slopes that are not there.
    const [atReal, atFake] = slopes === undefined ? [] : (split(slopes, 2) as Tensor4D[]);
    return { joined, columns: { real: onReal, fake: onFake }, slopes: { real: atReal, fake: atFake } };
  }
  const onReal = judged(real, "augment", 1, sloped("real"));
  const onFake = judged(fake, "augment-fake", 1, sloped("fake"));
  return {
    columns: { real: onReal.columns, fake: onFake.columns },
    slopes: { real: onReal.slopes!, fake: onFake.slopes! },
  };
}

function generatorLoss(settings: CompleteSettings, play: Play): Scalar {
  const { loss, regularizers, auxiliary, generator } = settings;
  const { real, labels, run, observe, moment, mode } = play;
  const shown = augmented(settings, play);
  const judge = (x: Tensor4D) => columned(run("discriminator", shown(x, "augment")));
  const z = latents(settings, play);
  const fake = run("generator", z) as Tensor4D;
  const columns = judge(fake);
  const kept = keptFakes(settings, moment);
  const fakeLogits = logitsOf(columns);
  const selection = kept === fake.shape[0] ? undefined : best(fakeLogits, kept);
  const chosen = (logits: Tensor): Tensor =>
    selection === undefined ? logits : matMul(selection, logits as Tensor2D);
  const terms: Tensor[] = [
    // No gradient reaches the real pictures' pass.
    loss.generator(chosen(fakeLogits), () => chosen(detached(() => logitsOf(judge(real))))),
  ];
  if (auxiliary) terms.push(mul(classLoss(columns, labels!), auxiliary.weight));
  for (const regularizer of regularizers) {
    if (regularizer.player !== "generator" || !isDue(regularizer, moment)) continue;
    const term = regularizer.term({
      ...{ generator, z, fake, ...turned(play) },
      mode: mode("generator", z.shape[0]),
    });
    observe(regularizer.name, term);
    terms.push(weighted(regularizer, play, term));
  }
  return terms.reduce((a, b) => add(a, b)) as Scalar;
}
