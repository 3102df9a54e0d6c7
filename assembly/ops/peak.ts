/**
 * What the machine's 128-bit units can do at most: `rounds` times 14 vectors, independent of each other, are
 * multiplied by `factor` and added to, all in registers. A round is 112 FLOPs: a product and a sum in each of 4
 * lanes. Returns one of the values, so that nothing is left out; a factor of 0.5 keeps them from overflow.
 */
export function peak(rounds: i32, factor: f32): f32 {
  // A parameter: V8 would build a constant anew at each use.
  const a = f32x4.splat(factor);
  let c0 = a;
  let c1 = f32x4.add(c0, a);
  let c2 = f32x4.add(c1, a);
  let c3 = f32x4.add(c2, a);
  let c4 = f32x4.add(c3, a);
  let c5 = f32x4.add(c4, a);
  let c6 = f32x4.add(c5, a);
  let c7 = f32x4.add(c6, a);
  let c8 = f32x4.add(c7, a);
  let c9 = f32x4.add(c8, a);
  let c10 = f32x4.add(c9, a);
  let c11 = f32x4.add(c10, a);
  let c12 = f32x4.add(c11, a);
  let c13 = f32x4.add(c12, a);
  for (; rounds > 0; rounds--) {
    c0 = step(a, c0);
    c1 = step(a, c1);
    c2 = step(a, c2);
    c3 = step(a, c3);
    c4 = step(a, c4);
    c5 = step(a, c5);
    c6 = step(a, c6);
    c7 = step(a, c7);
    c8 = step(a, c8);
    c9 = step(a, c9);
    c10 = step(a, c10);
    c11 = step(a, c11);
    c12 = step(a, c12);
    c13 = step(a, c13);
  }
  c0 = f32x4.add(c0, c1);
  c0 = f32x4.add(c0, c2);
  c0 = f32x4.add(c0, c3);
  c0 = f32x4.add(c0, c4);
  c0 = f32x4.add(c0, c5);
  c0 = f32x4.add(c0, c6);
  c0 = f32x4.add(c0, c7);
  c0 = f32x4.add(c0, c8);
  c0 = f32x4.add(c0, c9);
  c0 = f32x4.add(c0, c10);
  c0 = f32x4.add(c0, c11);
  c0 = f32x4.add(c0, c12);
  c0 = f32x4.add(c0, c13);
  return f32x4.extract_lane(c0, 0);
}

/** One vector's product and sum. Without fusing a·a would be taken out of the loop, so that c is what is scaled. */
function step(a: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, a, c) : f32x4.add(f32x4.mul(c, a), a);
}
