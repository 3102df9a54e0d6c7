import type { Finding } from "../gan/finding.ts";
import { found } from "./kinds.ts";
import { type Measures, marked } from "./measures.ts";

type Judge = (present: Measures, before: readonly Measures[]) => Finding[];

/** Samples less unlike one another than this part of data, and not getting more so, are too much alike. */
const leastDiversity = 0.1;
/** Likewise where they were more unlike before: this part of the most there was. */
const leastOfMost = 0.4;
/** Images after which a generator's average has got somewhere: it may draw one picture until then. */
const formed = 3000;
/** Images after which a discriminator has. */
const settled = 2000;

/** The less of the two: few modes show in the nearest, one in the mean. */
const diversityOf = ({ diversity }: Measures): number => Math.min(diversity.mean, diversity.nearest);

const collapse: Judge = (present, before) => {
  if (present.at < formed || before.length < 2) return [];
  const [value, ...last] = [present, ...before.slice(-2)].map(diversityOf);
  const most = Math.min(1, Math.max(...before.map(diversityOf)));
  const recovering = value > 1.25 * Math.min(...last);
  const fallen = value < leastOfMost * most && last[1] < leastOfMost * most;
  const small = value < leastDiversity;
  if (recovering || !(fallen || small)) return [];
  const threshold = small ? leastDiversity : leastOfMost * most;
  const past = small ? "" : `, after up to ${shown(most)} before`;
  const saying = `Samples differ from one another ${shown(value)} times as much as the data do, less than ${shown(threshold)}${past}`;
  return [found("collapse", { measured: value, threshold, at: present.at, saying })];
};

/**
 * Checkups in which a discriminator that is dead has only guessed. One that could tell pictures apart before may guess
 * because samples have become as good as it can see.
 */
const guesses = 3;
const leastDiscernment = 0.55;
/** Less of the weights is lost in rounding. */
const leastStep = 1e-7;

const deadDiscriminator: Judge = (present, before) => {
  const { at } = present;
  const steps = [present, ...before.slice(-1)].map(({ stepSizes }) => stepSizes.discriminator ?? Number.NaN);
  if (before.length > 0 && steps.every((size) => size < leastStep)) {
    const saying = `A step changes ${shown(steps[0])} of the discriminator's weights, less than ${leastStep}`;
    return [found("dead-discriminator", { measured: steps[0], threshold: leastStep, at, saying })];
  }
  const all = [...before, present];
  // Of a run that is gone on with it is not known what could be told apart before.
  if (all[0].at >= settled) return [];
  const since = all.filter((checkup) => checkup.at >= settled);
  const most = Math.max(...since.map(({ discernment }) => discernment));
  if (since.length < guesses || !(most < leastDiscernment)) return [];
  const saying = `The discriminator rates the real one of a real and a generated picture higher in at most ${percent(most)} of pairs, which guessing does in 50 %, in each of ${since.length} checkups; fewer than ${percent(leastDiscernment)} means that it cannot tell them apart`;
  return [found("dead-discriminator", { measured: most, threshold: leastDiscernment, at, saying })];
};

/** Steps above this part of the weights do not add up. */
const largestStep = 0.1;

const largeSteps: Judge = ({ stepSizes, at }) =>
  Object.entries(stepSizes).flatMap(([about, measured]) => {
    if (!(measured > largestStep)) return [];
    const saying = `A step changes the ${about}'s weights by ${percent(measured)} of their norm, more than ${percent(largestStep)}`;
    return [found("large-steps", { about, measured, threshold: largestStep, at, saying })];
  });

/**
 * Pairs of a picture trained on and one held out that a discriminator may tell apart, and standard errors of chance, in two
 * checkups in a row: healthy runs came to 0.57, those of 50 pictures to 0.65 to 0.85.
 */
const mostFamiliar = 0.62;
const surely = 3;
/** Standard errors that a part must be off by. */
const certain = 4;
/** Without held-out pictures, ADA's sign: mean sign of D(real), with augmentation near its usual limit of 0.8. */
const mostSign = 0.6;
const limit = 0.75;
/** Without either, a sign so high after each picture was shown so often. Of many pictures it may be as high by right. */
const certainSign = 0.95;
const manyPasses = 40;

const overfitting: Judge = ({ familiarity, passes, at, signs, strength }, before) => {
  const often = `each was shown ${shown(passes)} times`;
  if (familiarity !== undefined) {
    const { value, error } = familiarity;
    const threshold = Math.max(mostFamiliar, 0.5 + surely * error);
    const last = before[before.length - 1]?.familiarity?.value;
    if (!(value > threshold && last !== undefined && last > threshold)) return [];
    const saying = `The discriminator rates a picture trained on higher than one held out in ${percent(value)} of pairs, more than ${percent(threshold)} (${often})`;
    return [found("overfitting", { measured: value, threshold, at, saying })];
  }
  if (strength !== undefined) {
    if (!(strength > limit && signs > mostSign)) return [];
    const saying = `Augmentation is at its limit, and still the mean sign of the discriminator's logits of real pictures is ${shown(signs)}, more than ${mostSign} (${often})`;
    return [found("overfitting", { measured: signs, threshold: mostSign, at, saying })];
  }
  if (!(passes > manyPasses && signs > certainSign)) return [];
  const saying = `The mean sign of the discriminator's logits of real pictures is ${shown(signs)}, more than ${certainSign}, and ${often}; pictures held out (heldOut) would tell for certain`;
  return [
    { ...found("overfitting", { measured: signs, threshold: certainSign, at, saying }), severity: "warning" },
  ];
};

/** Part of samples that may be nearer to a picture trained on than to one held out. */
const mostNearer = 0.75;
/** And how near they may be, of the distance that held-out pictures have. Blurred samples are near everything. */
const leastCloseness = 0.5;

const memorization: Judge = ({ copies, at }) => {
  if (copies === undefined) return [];
  const { nearer, closeness, samples } = copies;
  const certainly = 0.5 + (certain * 0.5) / Math.sqrt(samples);
  if (!(nearer > Math.max(mostNearer, certainly) && closeness < leastCloseness)) return [];
  const saying = `${percent(nearer)} of samples are nearer to a picture trained on than to one held out, and ${shown(closeness)} times as far from it as held-out pictures are, less than ${leastCloseness}`;
  return [found("memorization", { measured: closeness, threshold: leastCloseness, at, saying })];
};

/** More of a picture than this is no mark, but what its class looks like. */
const largestMark = 0.05;

const labelLeak: Judge = ({ marks, at }) => {
  if (marks === undefined || !(marks.explained > marked && marks.area < largestMark)) return [];
  const { explained, row, column, area } = marks;
  const saying = `The class explains ${percent(explained)} of the variance of the pixel in row ${row}, column ${column}, more than ${percent(marked)}, and of ${percent(area)} of the picture only`;
  return [found("label-leak", { measured: explained, threshold: marked, at, saying })];
};

/** Before this part of training samples look like nothing yet. */
const grown = 0.5;
const largestDifference = 0.1;

const bias: Judge = ({ balance = [], progress, at }) =>
  balance.flatMap(({ name, data, samples, error }) => {
    const measured = Math.abs(samples - data);
    const threshold = Math.max(largestDifference, certain * error);
    if (progress < grown || !(measured > threshold)) return [];
    const saying = `${percent(samples)} of samples are "${name}", and ${percent(data)} of the data; the difference is more than ${percent(threshold)}`;
    return [found("bias", { about: name, measured, threshold, at, saying })];
  });

const judges: readonly Judge[] = [
  collapse,
  deadDiscriminator,
  largeSteps,
  overfitting,
  memorization,
  labelLeak,
  bias,
];

/** What is wrong by the latest of these checkups. */
export function judged(checkups: readonly Measures[]): Finding[] {
  const present = checkups[checkups.length - 1];
  return judges.flatMap((judge) => judge(present, checkups.slice(0, -1)));
}

const shown = (value: number): string => value.toPrecision(2);

const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
