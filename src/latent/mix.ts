import {
  acos,
  add,
  clipByValue,
  concat,
  div,
  expandDims,
  less,
  mean,
  mul,
  norm,
  sin,
  slice,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tidy,
  tile,
  where,
} from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import type { Gan } from "../gan/gan.ts";
import { isStyleNetwork } from "../nn/network.ts";
import { randomNormal } from "../ops/random.ts";
import { deriveKey } from "../random.ts";
import { checkLatents, type Labelled, modeFor, pictured, styleGenerator } from "./code.ts";

/** Codes that the mean w is taken over. */
const meanOver = 4096;

/** As many at a time, which bounds memory. */
const mappedAtOnce = 1024;

/**
 * The mean w of random z, of the averaged generator: the middle of its pictures.
 * @returns float32 [1, width]
 * @throws TypeError for a generator without a mapping network
 */
export function meanStyle(gan: Gan, { label }: { readonly label?: number } = {}): Tensor2D {
  const { map } = styleGenerator("meanStyle", gan.settings.generator);
  return tidy(() => {
    const mode = modeFor(gan, mappedAtOnce, { label });
    const part = (start: number) => {
      const draws = { key: deriveKey(0, "mean-style"), offset: start * gan.settings.latent };
      return mean(map(randomNormal([mappedAtOnce, gan.settings.latent], draws), mode), 0, true);
    };
    const parts = Array.from({ length: meanOver / mappedAtOnce }, (_, i) => i * mappedAtOnce);
    return gan.withAverages(() => mean(concat(parts.map(part)), 0, true)) as Tensor2D;
  });
}

/**
 * Truncation: pictures nearer to the middle, of more even quality and less variety. With a mapping network (Karras et al.
 * 2019, arXiv 1812.04948) w̄ + ψ·(w − w̄), w̄ the mean w of the picture's class; without one ψ·z (Brock et al. 2018, arXiv
 * 1809.11096, who draw z anew beyond a bound).
 * @param z float32 [N, latent]
 * @param psi 0: the mean picture; 1: as `gan.generate`
 * @returns float32 [N, H, W, C] in [-1, 1]
 */
export function truncate(gan: Gan, z: Tensor2D, psi: number, { label }: Labelled = {}): Tensor4D {
  checkLatents("truncate", gan, z);
  check(Number.isFinite(psi), () => `truncate: expected a finite psi, got ${psi}`);
  const { generator, classes } = gan.settings;
  const count = z.shape[0];
  return tidy(() => {
    const mode = modeFor(gan, count, { label });
    if (!isStyleNetwork(generator)) return pictured(gan, () => generator.apply(mul(z, psi), mode));
    const labels = classes === 0 || typeof label === "number" ? [label] : label!;
    const means = new Map([...new Set(labels)].map((own) => [own, meanStyle(gan, { label: own as number })]));
    const middle = concat(labels.map((own) => means.get(own as number)!));
    return pictured(gan, () => {
      const w = generator.map(z, mode);
      return generator.synthesize(add(middle, mul(sub(w, middle), psi)), mode);
    });
  });
}

/** Angles below which both ways are the same line (radians). */
const parallel = 1e-3;

/**
 * Spherical interpolation (Shoemake 1985; White 2016, arXiv 1609.04468) of each row: along the arc, so that a normal z
 * stays of its usual length. a·sin((1 − t)θ)/sin θ + b·sin(tθ)/sin θ, θ the angle between them; straight where they are
 * parallel.
 * @param a float32 [N, latent]
 * @param b as a
 * @param t 0: a, 1: b; one number, or one for each row
 * @throws RangeError for rows of two lengths, or other numbers of t
 */
export function slerp(a: Tensor2D, b: Tensor2D, t: number | readonly number[]): Tensor2D {
  const [count] = a.shape;
  check(
    a.shape.length === 2 && a.shape.join() === b.shape.join(),
    () =>
      `slerp: expected two tensors of one shape [N, latent], got ${showShape(a.shape)} and ${showShape(b.shape)}`,
  );
  const parts = typeof t === "number" ? Array.from({ length: count }, () => t) : t;
  check(parts.length === count, () => `slerp: expected ${count} numbers t, got ${parts.length}`);
  return tidy(() => {
    const along = tensor([...parts], [count, 1]);
    const lengths = mul(norm(a, 2, 1, true), norm(b, 2, 1, true));
    const cosine = div(sum(mul(a, b), 1, true), add(lengths, 1e-30));
    const angle = acos(clipByValue(cosine, -1, 1)) as Tensor;
    const [first, second] = [sub(1, along), along];
    const arc = (part: Tensor) => div(sin(mul(part, angle)), sin(angle));
    const straight = less(sin(angle) as Tensor, parallel);
    const share = (part: Tensor) => where(straight, part, arc(part));
    return add(mul(share(first), a), mul(share(second), b)) as Tensor2D;
  });
}

/**
 * Pictures on the way from one z to another, by `slerp`.
 * @param from float32 [1, latent]
 * @param to as from
 * @param steps number of pictures, both ends included: at least 2
 * @returns float32 [steps, H, W, C] in [-1, 1]
 */
export function interpolate(
  gan: Gan,
  from: Tensor2D,
  to: Tensor2D,
  steps: number,
  { label }: { readonly label?: number } = {},
): Tensor4D {
  check(
    Number.isInteger(steps) && steps >= 2,
    () => `interpolate: expected steps to be a whole number of at least 2, got ${steps}`,
  );
  for (const z of [from, to]) {
    checkLatents("interpolate", gan, z);
    check(z.shape[0] === 1, () => `interpolate: expected one z at either end, got ${z.shape[0]}`);
  }
  return tidy(() => {
    const spread = (z: Tensor2D): Tensor2D => tile(z, [steps, 1]);
    const t = Array.from({ length: steps }, (_, i) => i / (steps - 1));
    const labels = label === undefined ? undefined : t.map(() => label);
    return gan.generate(slerp(spread(from), spread(to), t), labels);
  });
}

/**
 * Style mixing (Karras et al. 2019, arXiv 1812.04948): coarse features of one picture, fine ones of another.
 * @param coarse float32 [N, latent], the styles of the layers before `at`, from 4×4 on
 * @param fine as coarse, those of the layers from `at` on
 * @param at 0: all of fine; the number of styles: all of coarse
 * @returns float32 [N, H, W, C] in [-1, 1]
 * @throws TypeError for a generator without a mapping network
 */
export function styleMix(
  gan: Gan,
  coarse: Tensor2D,
  fine: Tensor2D,
  at: number,
  { label }: Labelled = {},
): Tensor4D {
  const { map, synthesize, styles } = styleGenerator("styleMix", gan.settings.generator);
  for (const z of [coarse, fine]) checkLatents("styleMix", gan, z);
  check(
    coarse.shape[0] === fine.shape[0],
    () =>
      `styleMix: expected as many fine latents as coarse ones, got ${fine.shape[0]} and ${coarse.shape[0]}`,
  );
  check(
    Number.isInteger(at) && at >= 0 && at <= styles,
    () => `styleMix: expected at to be a layer from 0 to ${styles}, got ${at}`,
  );
  return tidy(() => {
    const mode = modeFor(gan, coarse.shape[0], { label });
    return pictured(gan, () => {
      const layers = (z: Tensor2D) => tile(expandDims(map(z, mode), 1), [1, styles, 1]);
      const before = slice(layers(coarse), [0, 0, 0], [-1, at, -1]);
      const after = slice(layers(fine), [0, at, 0], [-1, styles - at, -1]);
      return synthesize(concat([before, after], 1), mode);
    });
  });
}
