// Functions that Wasm has no vectors for, lane by lane.

/** Row.at of each lane. Row is a class with one method, a compile-time parameter only, see `map`. */
export function lanes<Row>(x: v128): v128 {
  const row = changetype<Row>(0);
  let y = f32x4.splat(row.at(f32x4.extract_lane(x, 0)));
  y = f32x4.replace_lane(y, 1, row.at(f32x4.extract_lane(x, 1)));
  y = f32x4.replace_lane(y, 2, row.at(f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(y, 3, row.at(f32x4.extract_lane(x, 3)));
}

/** The angle of (b, a) in (-π, π], error below 1 ulp. */
export function atan2(a: v128, b: v128): v128 {
  let y = f32x4.splat(Mathf.atan2(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, Mathf.atan2(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, Mathf.atan2(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, Mathf.atan2(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

/** a - b⌊a/b⌋ of float32, exact. */
export function mod(a: v128, b: v128): v128 {
  let y = f32x4.splat(modF32(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, modF32(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, modF32(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, modF32(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

/** aᵇ of float32, error below 1 ulp. */
export function pow(a: v128, b: v128): v128 {
  let y = f32x4.splat(Mathf.pow(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, Mathf.pow(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, Mathf.pow(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, Mathf.pow(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

/** ⌊a/b⌋ of int32; 0 where b is 0. */
export function floorDivI32(a: v128, b: v128): v128 {
  let y = i32x4.splat(floorDivide(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)));
  y = i32x4.replace_lane(y, 1, floorDivide(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)));
  y = i32x4.replace_lane(y, 2, floorDivide(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)));
  return i32x4.replace_lane(y, 3, floorDivide(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)));
}

/** a - b⌊a/b⌋ of int32; 0 where b is 0. */
export function modI32(a: v128, b: v128): v128 {
  let y = i32x4.splat(modulo(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)));
  y = i32x4.replace_lane(y, 1, modulo(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)));
  y = i32x4.replace_lane(y, 2, modulo(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)));
  return i32x4.replace_lane(y, 3, modulo(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)));
}

/** aᵇ of int32, wrapping; toward zero where b < 0. */
export function powI32(a: v128, b: v128): v128 {
  let y = i32x4.splat(power(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)));
  y = i32x4.replace_lane(y, 1, power(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)));
  y = i32x4.replace_lane(y, 2, power(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)));
  return i32x4.replace_lane(y, 3, power(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)));
}

/** sin x of float32 radians: error below 0.51 ulp for |x| < 4e8, beyond which the library's range reduction fails. */
export function sin(x: v128): v128 {
  let y = f32x4.splat(Mathf.sin(f32x4.extract_lane(x, 0)));
  y = f32x4.replace_lane(y, 1, Mathf.sin(f32x4.extract_lane(x, 1)));
  y = f32x4.replace_lane(y, 2, Mathf.sin(f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(y, 3, Mathf.sin(f32x4.extract_lane(x, 3)));
}

/** cos x of float32 radians: error below 0.51 ulp for |x| < 4e8, beyond which the library's range reduction fails. */
export function cos(x: v128): v128 {
  let y = f32x4.splat(Mathf.cos(f32x4.extract_lane(x, 0)));
  y = f32x4.replace_lane(y, 1, Mathf.cos(f32x4.extract_lane(x, 1)));
  y = f32x4.replace_lane(y, 2, Mathf.cos(f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(y, 3, Mathf.cos(f32x4.extract_lane(x, 3)));
}

function modF32(a: f32, b: f32): f32 {
  const rest = Mathf.mod(a, b);
  return rest != 0 && rest < 0 != b < 0 ? rest + b : rest;
}

// In int64, because i32.MIN_VALUE / -1 traps.
function modulo(a: i32, b: i32): i32 {
  if (b == 0) return 0;
  const rest = <i32>(<i64>a % <i64>b);
  return rest != 0 && rest < 0 != b < 0 ? rest + b : rest;
}

function floorDivide(a: i32, b: i32): i32 {
  if (b == 0) return 0;
  return <i32>((<i64>a - <i64>modulo(a, b)) / <i64>b);
}

function power(a: i32, b: i32): i32 {
  if (b < 0) {
    if (a == 1) return 1;
    if (a == -1) return b & 1 ? -1 : 1;
    return 0;
  }
  let y = 1;
  for (; b > 0; b >>= 1) {
    if (b & 1) y *= a;
    a *= a;
  }
  return y;
}
