// The numbers of assembly/ops/random.ts: the same words, and as far as a device rounds each product and sum by
// itself, the same bits.

const groupsOfRounds = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** Threefry2x32-20 (Salmon et al. 2011): both words at a counter, under the key `u.key0`, `u.key1`. */
const threefry = `
fn threefry(counter: vec2u) -> vec2u {
  let keys = array<u32, 3>(u.key0, u.key1, 0x1bd11bdau ^ u.key0 ^ u.key1);
  var x = counter + vec2u(u.key0, u.key1);
  ${[1, 2, 3, 4, 5]
    .map(
      (group) =>
        `${groupsOfRounds[(group + 1) % 2]
          .map((by) => `x.x += x.y; x.y = ((x.y << ${by}u) | (x.y >> ${32 - by}u)) ^ x.x;`)
          .join(" ")} x += vec2u(keys[${group % 3}], keys[${(group + 1) % 3}] + ${group}u);`,
    )
    .join("\n  ")}
  return x;
}`;

/** A product rounded by itself: by way of integers no compiler fuses it with the sum that follows. */
const product = `
fn product(a: f32, b: f32) -> f32 { return bitcast<f32>(bitcast<u32>(a * b) ^ u.zero); }`;

const horner = (x: string, coefficients: readonly number[]) =>
  coefficients.slice(1).reduce((sum, c) => `(product(${sum}, ${x}) + ${c})`, `(${coefficients[0]})`);

const logCoefficients = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];
const sinCoefficients = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1];
const cosCoefficients = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2];

/** Both numbers of a counter's words, in [0, 2²⁴). */
const uniformPair = `
fn pairOf(words: vec2u) -> vec2f { return vec2f(words >> vec2u(8u)); }`;

/** Both standard normal numbers of a counter's words (Box and Muller 1958). */
const normalPair = `
fn logarithm(x: f32) -> f32 {
  let bits = bitcast<i32>(x) - 0x3f3504f3;
  let e = f32(bits >> 23u);
  let f = bitcast<f32>((bits & 0x007fffff) + 0x3f3504f3) - 1.0;
  let z = product(f, f);
  var y = product(f * z, ${horner("f", logCoefficients)});
  y = y + product(e, -2.12194440e-4);
  y = y - z * 0.5;
  return (f + y) + product(e, 0.693359375);
}
fn pairOf(words: vec2u) -> vec2f {
  // In two halves, which are exact: not every device rounds the conversion of a large u32 to the nearest.
  let word = f32(words.x >> 16u) * 65536.0 + f32(words.x & 0xffffu);
  let v = (word + 0.5) * 2.3283064365386963e-10;
  let radius = sqrt(logarithm(v) * -2.0);
  let quarter = (words.y + (1u << 29u)) >> 30u;
  let rest = bitcast<i32>(words.y - (quarter << 30u));
  let angle = f32(rest) * 1.4629180792671596e-9;
  let z = product(angle, angle);
  let s = angle + product(angle * z, ${horner("z", sinCoefficients)});
  let c = (1.0 - z * 0.5) + product(z * z, ${horner("z", cosCoefficients)});
  let both = select(vec2f(c, s), vec2f(s, c), (quarter & 1u) == 1u);
  let signs = vec2u((quarter + 1u) >> 1u, quarter >> 1u) << vec2u(31u);
  return radius * bitcast<vec2f>(bitcast<vec2u>(both) ^ signs);
}`;

/** Functions of the module: see `drawBody`. */
export const drawDeclarations = (normal: boolean): string =>
  `${threefry}${product}${normal ? normalPair : uniformPair}`;

/** y[i] = a + b·(element i + odd of the pairs from the counter (low, high) on); a thread writes a counter's two. */
export const drawBody = `
  let low = u.low + i;
  let pair = pairOf(threefry(vec2u(low, u.high + select(0u, 1u, low < i))));
  let at = 2u * i - u.odd;
  if ((i > 0u || u.odd == 0u) && at < u.size) { y[at] = u.a + product(u.b, pair.x); }
  if (at + 1u < u.size) { y[at + 1u] = u.a + product(u.b, pair.y); }`;
