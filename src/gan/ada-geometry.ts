import {
  abs,
  add,
  clipByValue,
  cos,
  div,
  mul,
  neg,
  reshape,
  round,
  sin,
  sqrt,
  stack,
  sub,
  type Tensor,
  type Tensor4D,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { call } from "../backend/op.ts";
import { affineGrid, sample } from "../ops/sample.ts";
import { among, around, type Draws, logNormal, turnedAbout } from "./ada-draws.ts";

/** Maps of the plane, one a picture: (x, y) → (a·x + b·y + dx, c·x + d·y + dy), each number float32 [N]. */
interface Maps {
  readonly linear: readonly [a: Tensor, b: Tensor, c: Tensor, d: Tensor];
  readonly shift: readonly [dx: Tensor, dy: Tensor];
}

/** What is drawn of changes of place. */
interface Places {
  readonly blits: boolean;
  readonly geometry: boolean;
}

/**
 * Square pictures moved by what is drawn: one map a picture, one bilinear resampling for all, and beyond the edges what
 * is inside, mirrored.
 */
export function moved(x: Tensor4D, draws: Draws, places: Places): Tensor4D {
  if (!(places.blits || places.geometry)) return x;
  const size = x.shape[1];
  const at = mirrored(affineGrid(sourceMaps(size, draws, places), [size, size]), size);
  return call(sample, { x, at }, { slopes: 0 }) as Tensor4D;
}

/** The maps [N, 2, 3] from positions in the result, from −1 to 1, to those in the source, in pixels from its corner. */
export function sourceMaps(size: number, draws: Draws, { blits, geometry }: Places): Tensor {
  const maps = [...(blits ? [blit(size, draws)] : []), ...(geometry ? [placement(draws)] : [])];
  const { linear, shift } = maps.reduce(composed);
  const [a, b, c, d] = linear;
  const [dx, dy] = shift.map((by) => add(by, 1));
  return mul(reshape(stack([a, b, dx, c, d, dy], 1), [-1, 2, 3]), size / 2);
}

/** The outer map of the inner one's result. */
function composed(outer: Maps, inner: Maps): Maps {
  const [a, b, c, d] = outer.linear;
  const [e, f, g, h] = inner.linear;
  const row = (p: Tensor, q: Tensor, x: Tensor, y: Tensor): Tensor => add(mul(p, x), mul(q, y));
  return {
    linear: [row(a, b, e, g), row(a, b, f, h), row(c, d, e, g), row(c, d, f, h)],
    shift: [
      add(row(a, b, inner.shift[0], inner.shift[1]), outer.shift[0]),
      add(row(c, d, inner.shift[0], inner.shift[1]), outer.shift[1]),
    ],
  };
}

/** Flip, quarter turns and shifts by whole pixels of up to an eighth: no pixel changes but its place. */
function blit(size: number, draws: Draws): Maps {
  const flip = turnedAbout(draws);
  const angle = mul(among(draws, 4), Math.PI / 2);
  const [c, s] = [round(cos(angle)), round(sin(angle))];
  const gate = draws.gate();
  // From edge to edge it is 2.
  const pixels = (): Tensor => round(mul(sub(mul(draws.uniform(), 2), 1), 0.125 * size));
  const [dx, dy] = [pixels(), pixels()].map((shift) => mul(gate, mul(shift, 2 / size)));
  const turn: Maps["linear"] = [mul(flip, c), neg(mul(flip, s)), s, c];
  const none = zerosLike(c);
  const one = add(none, 1);
  return composed({ linear: turn, shift: [none, none] }, { linear: [one, none, none, one], shift: [dx, dy] });
}

/** Scale, rotation, stretching and shifts: scale·R(before)·diag(stretch, 1/stretch)·R(after)·(x + shift). */
function placement(draws: Draws): Maps {
  const { gate, normal, probability } = draws;
  const scale = logNormal(draws, 0.2);
  // Two rotations of this probability leave a picture alone as often as one of the whole.
  const once = sub(1, sqrt(sub(1, probability)));
  const before = around(draws, Math.PI, once);
  const stretch = logNormal(draws, 0.2);
  const after = around(draws, Math.PI, once);
  const [c1, s1, c2, s2] = [cos(before), sin(before), cos(after), sin(after)];
  const [wide, high] = [mul(scale, stretch), div(scale, stretch)];
  const open = gate();
  const [dx, dy] = [normal(), normal()].map((shift) => mul(open, mul(shift, 2 * 0.125)));
  const none = zerosLike(scale);
  return composed(
    { linear: [mul(wide, c1), neg(mul(high, s1)), mul(wide, s1), mul(high, c1)], shift: [none, none] },
    {
      linear: [c2, neg(s2), s2, c2],
      shift: [sub(mul(c2, dx), mul(s2, dy)), add(mul(s2, dx), mul(c2, dy))],
    },
  );
}

/**
 * Positions beyond an edge, at 0 or the size, are those inside, mirrored at it, once; none is nearer to it than the
 * outermost pixels' centres. As `sample` counts them, from the first pixel's centre.
 */
const mirrored = (positions: Tensor, size: number): Tensor =>
  clipByValue(sub(size - 0.5, abs(sub(abs(positions), size))), 0, size - 1);
