// Elementary functions in WGSL: its own may be off by thousands of ulp and overflow early. They are those of
// assembly/lib/math.ts, with products added by `fma`, which no compiler takes apart. One text serves scalars and
// vectors of four: F is f32 or vec4f; U, I and B are the u32, i32 and bool of as many lanes.

/** Names end in F, so that the texts that need them can be searched for calls. */
const functions: Readonly<Record<string, string>> = {
  bitsF: "(bits: U) -> F { return bitcast<F>(bits); }",
  infinityF: "() -> F { return bitsF(U(0x7f800000u)); }",
  nanF: "() -> F { return bitsF(U(0x7fc00000u)); }",
  isNanF: "(x: F) -> B { return (bitcast<U>(x) & U(0x7fffffffu)) > U(0x7f800000u); }",
  isInfF: "(x: F) -> B { return (bitcast<U>(x) & U(0x7fffffffu)) == U(0x7f800000u); }",
  // x's sign on y.
  withSignF: "(y: F, x: F) -> F { return bitcast<F>(bitcast<U>(y) | (bitcast<U>(x) & U(0x80000000u))); }",
  // 2ᵏ for k in [-126, 127].
  power2F: "(k: I) -> F { return bitcast<F>((k + I(127)) << U(23u)); }",
  // e^x = 0 and ∞ beyond; NaN stays.
  clampToExpF: `(x: F) -> F {
  return select(select(x, F(-105), x < F(-105)), F(89), x > F(89));
}`,
  // eʳ - 1 of the rest r = x - n ln 2.
  expm1RestF: `(x: F, n: F) -> F {
  let r = fma(n, F(2.1219444005471377e-4), fma(n, F(-0.693359375), x));
  var q = fma(F(1.9845867063850164e-4), r, F(1.3940654462203383e-3));
  q = fma(q, r, F(8.333389647305012e-3));
  q = fma(q, r, F(0.041666362434625626));
  q = fma(q, r, F(0.1666666567325592));
  q = fma(q, r, F(0.5));
  return fma(r * r, q, r);
}`,
  expF: `(x: F) -> F {
  let c = clampToExpF(x);
  let n = round(c * 1.4426950408889634);
  let k = I(n);
  let half = k >> U(1u);
  return (1.0 + expm1RestF(c, n)) * power2F(half) * power2F(k - half);
}`,
  expm1F: `(x: F) -> F {
  let c = clampToExpF(x);
  let n = round(c * 1.4426950408889634);
  let k = I(n);
  let half = k >> U(1u);
  let scale = power2F(half);
  let y = fma(expm1RestF(c, n), scale, scale - power2F(half - k));
  return withSignF(y * power2F(k - half), x);
}`,
  // (ln(1 + f) - f + f²/2)/f³ for f in [√½ - 1, √2 - 1].
  logTailF: `(f: F) -> F {
  var p = fma(F(0.06744574755430222), f, F(-0.11674806475639343));
  p = fma(p, f, F(0.11888587474822998));
  p = fma(p, f, F(-0.12405755370855331));
  p = fma(p, f, F(0.1421952247619629));
  p = fma(p, f, F(-0.16667985916137695));
  p = fma(p, f, F(0.2000211924314499));
  p = fma(p, f, F(-0.25000008940696716));
  return fma(p, f, F(0.3333331346511841));
}`,
  // The exponent k for which x/2ᵏ lies in [√½, √2).
  exponentF: "(x: F) -> I { return (bitcast<I>(x) - I(0x3f3504f3)) >> U(23u); }",
  // x/2ᵏ - 1.
  fractionF: "(x: F, k: I) -> F { return bitcast<F>(bitcast<I>(x) - (k << U(23u))) - 1.0; }",
  // e ln 2 + ln(1 + f).
  logSumF: `(e: F, f: F) -> F {
  let square = f * f;
  let y = fma(square * f, logTailF(f), e * -2.1219444005471377e-4);
  return fma(e, F(0.693359375), f + fma(square, F(-0.5), y));
}`,
  // y = ln x where 0 < x < ∞; else what it is there.
  logEdgesF: `(y: F, x: F) -> F {
  return select(select(nanF(), -infinityF(), x == F(0)), select(y, x, isInfF(x)), x > F(0));
}`,
  logF: `(x: F) -> F {
  let subnormal = x < F(1.1754943508222875e-38);
  let normal = select(x, x * 8388608.0, subnormal);
  let k = exponentF(normal);
  return logEdgesF(logSumF(F(k - select(I(0), I(23), subnormal)), fractionF(normal, k)), x);
}`,
  // Near 0 of x itself, so that nothing is lost by adding 1.
  log1pF: `(x: F) -> F {
  let u = 1.0 + x;
  let k = exponentF(u);
  return withSignF(logEdgesF(logSumF(F(k), select(fractionF(u, k), x, k == I(0))), u), x);
}`,
  tanhF: `(x: F) -> F {
  let a = abs(x);
  let em = expm1F(2.0 * select(a, F(10), a > F(10)));
  return withSignF(em / (em + 2.0), x);
}`,
  sigmoidF: `(x: F) -> F {
  let z = expF(-abs(x));
  return select(F(1), z, x < F(0)) / (1.0 + z);
}`,
  softplusF: "(x: F) -> F { return select(x, F(0), x < F(0)) + log1pF(expF(-abs(x))); }",
  // s·(1 - s) for s = sigmoid x, and with 2x a quarter of 1 - tanh² x.
  bellF: `(x: F) -> F {
  let z = expF(-abs(x));
  let share = 1.0 / (1.0 + z);
  return share * share * z;
}`,
  // Abramowitz and Stegun 7.1.26: absolute error below 3e-7.
  erfF: `(x: F) -> F {
  let a = abs(x);
  let t = 1.0 / fma(a, F(0.3275911), F(1));
  var p = fma(F(1.061405429), t, F(-1.453152027));
  p = fma(p, t, F(1.421413741));
  p = fma(p, t, F(-0.284496736));
  p = fma(p, t, F(0.254829592));
  return withSignF(abs(1.0 - p * t * expF(-a * a)), x);
}`,
  // x - nπ/2 in parts that are exact times n; good below some 1e5.
  quarterTurnsF: "(x: F) -> F { return round(x * 0.6366197723675814); }",
  turnRestF: `(x: F, n: F) -> F {
  return fma(n, F(-7.54978995489188216e-8), fma(n, F(-4.837512969970703125e-4), fma(n, F(-1.5703125), x)));
}`,
  sinRestF: `(r: F) -> F {
  let z = r * r;
  return fma(fma(fma(F(-1.9515295891e-4), z, F(8.3321608736e-3)), z, F(-1.6666654611e-1)) * z, r, r);
}`,
  cosRestF: `(r: F) -> F {
  let z = r * r;
  let p = fma(fma(F(2.443315711809948e-5), z, F(-1.388731625493765e-3)), z, F(4.166664568298827e-2));
  return fma(p, z * z, fma(z, F(-0.5), F(1)));
}`,
  // sin(x + turns·π/2).
  turnedSinF: `(x: F, turns: I) -> F {
  let n = quarterTurnsF(x);
  let r = turnRestF(x, n);
  let k = I(n) + turns;
  let y = select(sinRestF(r), cosRestF(r), (k & I(1)) == I(1));
  return select(y, -y, (k & I(2)) == I(2));
}`,
  sinF: "(x: F) -> F { return turnedSinF(x, I(0)); }",
  cosF: "(x: F) -> F { return turnedSinF(x, I(1)); }",
  tanF: `(x: F) -> F {
  let n = quarterTurnsF(x);
  let r = turnRestF(x, n);
  let s = sinRestF(r);
  let c = cosRestF(r);
  let odd = (I(n) & I(1)) == I(1);
  return select(s, -c, odd) / select(c, s, odd);
}`,
  // asin of s = √z for z up to ¼.
  asinRestF: `(s: F, z: F) -> F {
  var p = fma(F(4.2163199048e-2), z, F(2.4181311049e-2));
  p = fma(p, z, F(4.5470025998e-2));
  p = fma(p, z, F(7.4953002686e-2));
  p = fma(p, z, F(1.6666752422e-1));
  return fma(p * z, s, s);
}`,
  // asin |x| for |x| ≤ ½, else (π/2 - asin |x|)/2.
  asinPartF: `(a: F) -> F {
  let z = select(a * a, 0.5 * (1.0 - a), a > F(0.5));
  return select(asinRestF(select(a, sqrt(z), a > F(0.5)), z), nanF(), a > F(1));
}`,
  asinF: `(x: F) -> F {
  let a = abs(x);
  let y = asinPartF(a);
  return withSignF(select(y, 1.5707963267948966 - 2.0 * y, a > F(0.5)), x);
}`,
  acosF: `(x: F) -> F {
  let a = abs(x);
  let y = asinPartF(a);
  let outer = select(2.0 * y, 3.141592653589793 - 2.0 * y, x < F(0));
  return select(1.5707963267948966 - withSignF(y, x), outer, a > F(0.5));
}`,
  atanF: `(x: F) -> F {
  let a = abs(x);
  let steep = a > F(2.414213562373095);
  let middle = a > F(0.4142135623730951);
  let r = select(select(a, (a - 1.0) / (a + 1.0), middle), -1.0 / a, steep);
  let z = r * r;
  var p = fma(F(8.05374449538e-2), z, F(-1.38776856032e-1));
  p = fma(p, z, F(1.99777106478e-1));
  p = fma(p, z, F(-3.33329491539e-1));
  let base = select(select(F(0), F(0.7853981633974483), middle), F(1.5707963267948966), steep);
  return withSignF(base + fma(p * z, r, r), x);
}`,
  // The angle of (x, y).
  atan2F: `(y: F, x: F) -> F {
  let up = abs(y);
  let along = abs(x);
  let low = select(along, up, up < along);
  let high = select(up, along, up < along);
  let ratio = select(select(low / high, F(1), isInfF(low)), F(0), low == F(0));
  var angle = atanF(ratio);
  angle = select(angle, 1.5707963267948966 - angle, up > along);
  angle = select(angle, 3.141592653589793 - angle, bitcast<I>(x) < I(0));
  return withSignF(select(angle, nanF(), isNanF(x) | isNanF(y)), y);
}`,
  sinhF: `(x: F) -> F {
  let a = abs(x);
  let em = expm1F(select(a, F(20), a > F(20)));
  let half = expF(0.5 * a);
  return withSignF(select(0.5 * (em + em / (em + 1.0)), 0.5 * half * half, a > F(20)), x);
}`,
  coshF: `(x: F) -> F {
  let half = expF(0.5 * abs(x));
  let whole = half * half;
  return select(0.5 * whole + 0.5 / whole, 0.5 * half * half, abs(x) > F(20));
}`,
  asinhF: `(x: F) -> F {
  let a = abs(x);
  let near = log1pF(a + a * a / (1.0 + sqrt(fma(a, a, F(1)))));
  return withSignF(select(near, logF(a) + 0.6931471805599453, a > F(1e9)), x);
}`,
  acoshF: `(x: F) -> F {
  let t = x - 1.0;
  let y = select(log1pF(t + sqrt(t * (t + 2.0))), logF(x) + 0.6931471805599453, x > F(1e9));
  return select(y, nanF(), x < F(1));
}`,
  atanhF: `(x: F) -> F {
  let a = abs(x);
  return withSignF(0.5 * log1pF(2.0 * a / (1.0 - a)), x);
}`,
  // What a + b = s lost.
  sumErrorF: `(a: F, b: F, s: F) -> F {
  let part = s - a;
  return (a - (s - part)) + (b - part);
}`,
  // |a|ᵇ by way of ln |a| in two parts.
  powerF: `(a: F, b: F) -> F {
  let subnormal = a < F(1.1754943508222875e-38);
  let normal = select(a, a * 8388608.0, subnormal);
  let k = exponentF(normal);
  let f = fractionF(normal, k);
  let e = F(k - select(I(0), I(23), subnormal));
  let whole = e * 0.693359375;
  let first = whole + f;
  let square = 0.5 * f * f;
  let second = first - square;
  let lost = sumErrorF(whole, f, first) + sumErrorF(first, -square, second) - fma(0.5 * f, f, -square);
  let tail = fma(f * f * f, logTailF(f), e * -2.1219444005471377e-4) + lost;
  let high = second + tail;
  let low = sumErrorF(second, tail, high);
  let t = b * high;
  let y = expF(t);
  let exact = fma(y, fma(b, high, -t) + b * low, y);
  let edge = select(infinityF(), -infinityF(), a == F(0));
  let outside = (a == F(0)) | isInfF(a);
  let sure = expF(b * select(high, edge, outside));
  return select(select(exact, y, abs(t) > F(87)), sure, outside | isInfF(b));
}`,
  // JavaScript's pow, where an infinite power of ±1 is NaN.
  powF: `(a: F, b: F) -> F {
  let y = powerF(abs(a), b);
  let whole = floor(b) == b;
  let half = 0.5 * b;
  let negative = bitcast<I>(a) < I(0);
  let signed = select(y, -y, negative & whole & (floor(half) != half) & !isInfF(b));
  let real = select(signed, nanF(), (a < F(0)) & !whole & !isInfF(a));
  let unknown = isNanF(a) | isNanF(b) | ((abs(a) == F(1)) & isInfF(b));
  return select(select(real, nanF(), unknown), F(1), b == F(0));
}`,
  // a - b⌊a/b⌋: b times powers of 2 is taken from |a| as often as it goes, each time exactly.
  modF: `(a: F, b: F) -> F {
  let divisor = abs(b);
  var rest = abs(a);
  let sure = (divisor > F(0)) & !isInfF(rest);
  for (var k = 0; k < 300; k++) {
    // No "&&" before it: of any() of one bool behind it Chrome 147 makes invalid SPIR-V.
    if (!any(sure & (rest >= divisor))) { break; }
    let shifted = bitcast<F>((bitcast<U>(divisor) & U(0x7fffffu)) | (bitcast<U>(rest) & U(0x7f800000u)));
    rest = select(rest, rest - select(shifted, 0.5 * shifted, shifted > rest), rest >= divisor);
  }
  let signed = withSignF(rest, a);
  let y = select(signed, signed + b, (rest != F(0)) & ((a < F(0)) != (b < F(0))));
  return select(nanF(), y, sure & !isNanF(a) & !isNanF(b));
}`,
  // ⌊a/b⌋; a quotient that is whole stays so where the device's division is not correctly rounded.
  floorDivF: `(a: F, b: F) -> F {
  let q = floor(a / b);
  return select(q, q + 1.0, (q + 1.0) * b == a);
}`,
};

const called = (text: string): string[] =>
  [...text.matchAll(/\b(\w+F)\(/g)].map(([, name]) => name).filter((name) => name in functions);

/** The types F, U, I, B of so many lanes, and those of this module's functions that the text calls. */
export function mathFor(text: string, lanes: 1 | 4 = 1): string {
  const wanted = new Set(called(text));
  for (const name of wanted) for (const other of called(functions[name])) wanted.add(other);
  const types = { F: "f32", U: "u32", I: "i32", B: "bool" };
  return [
    ...Object.entries(types).map(
      ([name, type]) => `alias ${name} = ${lanes === 1 ? type : `vec4<${type}>`};`,
    ),
    ...[...wanted].map((name) => `fn ${name}${functions[name]}`),
  ].join("\n");
}
