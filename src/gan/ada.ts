import {
  abs,
  add,
  cast,
  clipByValue,
  cos,
  div,
  exp,
  floor,
  less,
  matMul,
  mul,
  neg,
  reshape,
  round,
  type Scalar,
  sin,
  sqrt,
  stack,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor2d,
  tidy,
  unstack,
} from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { randomNormal, randomUniform } from "../ops/random.ts";
import { affineGrid, gridSample } from "../ops/sample.ts";
import type { Augment, AugmentTurn } from "./augment.ts";
import type { Controller } from "./controller.ts";
import { hole } from "./cutout.ts";

/** How a probability follows the discriminator's overfitting. */
export interface StrengthOptions {
  /** Wanted mean of the signal `realSign`. Default 0.6. */
  readonly target?: number;
  /** Thousands of pictures in which p goes from 0 to 1 at the fastest. Default 100; the paper has 500 for long runs. */
  readonly adjustKimg?: number;
  /** p at the start, 0 to 1. Default 0. */
  readonly initial?: number;
  /** p grows no further. Default 0.8: above it changes leak into the generated pictures (section 2.2 of the paper). */
  readonly most?: number;
  /** p stays as it is at first. Default false. */
  readonly fixed?: boolean;
}

export interface AdaOptions extends StrengthOptions {
  /** Deviation of noise added to pictures with probability p, in units of half their range. Default 0; the paper has 0.1. */
  readonly noise?: number;
  /** Part of height and width that a hole covers with probability p. Default 0; the paper has 0.5. */
  readonly cutout?: number;
}

/** Distance of `realSign` from its target at which p moves at its fastest. */
const fullPull = 0.2;

/**
 * A probability p that follows how far the discriminator overfits, by r = E[sign D(x)] of real pictures, which goes from 0
 * (it knows nothing) to 1 (it knows each by heart): above the target p grows, below it falls.
 * @param name of the controller
 */
export function strengthController(name: string, options: StrengthOptions): Controller {
  const { target = 0.6, adjustKimg = 100, initial = 0, most = 0.8, fixed = false } = options;
  for (const [option, value] of Object.entries({ target, initial, most })) {
    check(value >= 0 && value <= 1, () => `${name}: expected ${option} from 0 to 1, got ${value}`);
  }
  check(adjustKimg > 0, () => `${name}: expected adjustKimg above 0, got ${adjustKimg}`);
  return {
    ...{ name, initial },
    next(p, { realSign }, images) {
      if (fixed || realSign === undefined) return p;
      const pull = Math.max(-1, Math.min(1, (realSign - target) / fullPull));
      return Math.max(0, Math.min(most, p + (pull * images) / (1000 * adjustKimg)));
    },
  };
}

/**
 * Adaptive discriminator augmentation (Karras et al. 2020, arXiv 2006.06676): the paper's pipe "bgc" on real and generated
 * pictures alike, each change of each picture with probability p, which adapts to the discriminator's overfitting. Blits
 * (flip, quarter turns, whole pixels), geometry (scale, rotation, stretching, shifts) and colour (brightness, contrast, luma
 * flip, hue, saturation), with the deviations of the paper's appendix B. Noise and cutout where asked for.
 *
 * Unlike the paper's, one bilinear resampling does all of the geometry, without supersampling, and image-space filtering
 * is left out: see the README's figures.
 * @throws RangeError for an option that is negative or no number, or above 1 where it is a probability or a part
 */
export function ada(options: AdaOptions = {}): Augment {
  const { noise = 0, cutout = 0 } = options;
  check(noise >= 0, () => `ada: expected noise of at least 0, got ${noise}`);
  check(cutout >= 0 && cutout <= 1, () => `ada: expected cutout from 0 to 1, got ${cutout}`);
  return {
    name: "ada",
    controllers: [strengthController("ada", options)],
    apply: (x, turn) =>
      tidy(() => {
        const draws = drawsFor(turn, x.shape[0]);
        let y: Tensor4D = recoloured(x, draws);
        y = gridSample(y, mirrored(affineGrid(placement(x.shape, draws), [x.shape[1], x.shape[2]])));
        if (noise > 0) y = add(y, noisy(y.shape, draws, turn, noise));
        if (cutout === 0) return y;
        const { gate, uniform } = draws;
        return mul(y, hole(y.shape, [uniform(), uniform()], mul(gate(), cutout)));
      }),
  };
}

/** Random numbers of a picture each, [N]. */
interface Draws {
  /** In [0, 1), each call another. */
  uniform(): Tensor;
  /** Standard normal. */
  normal(): Tensor;
  /** 1 with probability p, or another one's, else 0. */
  gate(p?: Scalar): Tensor;
  readonly p: Scalar;
}

/** Draws at most: their numbers come as one tensor each. */
const drawn = { uniform: 25, normal: 8 };

function drawsFor({ key, control }: AugmentTurn, n: number): Draws {
  const uniforms = unstack(randomUniform([drawn.uniform, n], { key: key("uniform") }));
  const normals = unstack(randomNormal([drawn.normal, n], { key: key("normal") }));
  const p = control("ada");
  const uniform = () => uniforms.pop()!;
  return {
    ...{ uniform, p },
    normal: () => normals.pop()!,
    gate: (probability = p) => cast(less(uniform(), probability), "float32"),
  };
}

/** exp(ln 2·deviation·normal) where the gate is open, else 1. */
const logNormal = ({ gate, normal }: Draws, deviation: number): Tensor =>
  exp(mul(mul(gate(), normal()), deviation * Math.LN2));

/** −1 for half of the pictures whose gate is open, else 1. */
const turnedAbout = ({ gate, uniform }: Draws): Tensor =>
  sub(1, mul(mul(gate(), floor(mul(uniform(), 2))), 2));

/** From −by to by where the gate is open, else 0. */
const around = ({ gate, uniform }: Draws, by: number, p?: Scalar): Tensor =>
  mul(gate(p), mul(sub(mul(uniform(), 2), 1), by));

/** The maps [N, 2, 3] from positions in the result to positions in the source, both from −1 to 1. */
function placement([, height, width]: readonly number[], draws: Draws): Tensor {
  const { gate, uniform, normal, p } = draws;
  const flip = turnedAbout(draws);
  const quarters = mul(gate(), floor(mul(uniform(), 4)));
  const scale = logNormal(draws, 0.2);
  // Two rotations of this probability leave a picture alone as often as one of probability p.
  const rotated = sub(1, sqrt(sub(1, p))) as Scalar;
  const before = add(mul(quarters, Math.PI / 2), around(draws, Math.PI, rotated));
  const stretch = logNormal(draws, 0.2);
  const after = around(draws, Math.PI, rotated);
  // Whole pixels of up to an eighth, then parts of them; from edge to edge it is 2.
  const [blits, moves] = [gate(), gate()];
  const shift = (size: number): Tensor => {
    const blit = round(mul(sub(mul(uniform(), 2), 1), 0.125 * size));
    return add(mul(blits, mul(blit, 2 / size)), mul(moves, mul(normal(), 0.125 * 2)));
  };
  const [dx, dy] = [shift(width), shift(height)];
  // R(after)·diag(stretch, 1/stretch)·R(before)·diag(flip, 1)·scale
  const [c1, s1, c2, s2] = [cos(before), sin(before), cos(after), sin(after)];
  const wide = mul(scale, stretch);
  const high = div(scale, stretch);
  const flipped = mul(c1, flip);
  const sheared = mul(s1, flip);
  const [a, b, c, d] = [mul(wide, flipped), neg(mul(wide, s1)), mul(high, sheared), mul(high, c1)];
  const rows = [
    ...[sub(mul(c2, a), mul(s2, c)), sub(mul(c2, b), mul(s2, d)), dx],
    ...[add(mul(s2, a), mul(c2, c)), add(mul(s2, b), mul(c2, d)), dy],
  ];
  return reshape(stack(rows, 1), [-1, 2, 3]);
}

/**
 * Positions beyond an edge are those inside, mirrored at it, once; none is nearer to it than the outermost pixels' centres.
 */
function mirrored(grid: Tensor4D): Tensor4D {
  const outermost = 1 - 1 / grid.shape[1];
  const inside = sub(1, abs(sub(2, abs(add(grid, 1)))));
  return clipByValue(inside, -outermost, outermost) as Tensor4D;
}

/** I, vvᵀ and v× for the luma axis v = (1, 1, 1)/√3, row by row. */
const lumaAxis = [
  ...[1, 0, 0, 0, 1, 0, 0, 0, 1],
  ...[1, 1, 1, 1, 1, 1, 1, 1, 1].map((one) => one / 3),
  ...[0, -1, 1, 1, 0, -1, -1, 1, 0].map((sign) => sign / Math.sqrt(3)),
];

/**
 * With luma along v and chroma across it: brightness and contrast of both, luma turned about, chroma scaled and rotated.
 * Grey pictures have luma alone.
 */
function recoloured(x: Tensor4D, draws: Draws): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const { gate, normal } = draws;
  const brightness = mul(mul(gate(), normal()), 0.2);
  const contrast = logNormal(draws, 0.5);
  const luma = mul(contrast, turnedAbout(draws));
  const offset = reshape(mul(luma, brightness), [n, 1, 1, 1]);
  if (channels !== 3) return add(mul(x, reshape(luma, [n, 1, 1, 1])), offset);
  const hue = around(draws, Math.PI);
  const chroma = mul(contrast, logNormal(draws, 1));
  const along = mul(chroma, cos(hue));
  const parts = stack([along, sub(luma, along), mul(chroma, sin(hue))], 1) as Tensor2D;
  const matrices = reshape(matMul(parts, tensor2d(lumaAxis, [3, 9])), [n, 3, 3]) as Tensor3D;
  const pixels = reshape(x, [n, height * width, 3]) as Tensor3D;
  const turned = matMul(pixels, matrices, false, true);
  return add(reshape(turned, [n, height, width, 3]), offset);
}

/** Noise of its own strength for each picture whose gate is open. */
function noisy(
  shape: readonly number[],
  { gate, normal }: Draws,
  { key }: AugmentTurn,
  deviation: number,
): Tensor {
  const each = reshape(mul(mul(gate(), abs(normal())), 2 * deviation), [-1, 1, 1, 1]);
  return mul(randomNormal(shape, { key: key("noise") }), each);
}
