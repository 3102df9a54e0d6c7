import { check } from "./errors.ts";

/**
 * Counter-based random numbers: Threefry2x32-20 (Salmon et al. 2011, "Parallel random numbers: as easy as 1,
 * 2, 3"). A key for each purpose and a counter for each sample, so that neither order, threads nor resuming
 * change a number.
 */

/** Two uint32 words. */
export type Key = readonly [number, number];

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** The two uint32 words at a counter of two uint32 words, under a key. */
export function threefry(key: Key, counter0: number, counter1: number): [number, number] {
  const schedule = [key[0], key[1], 0x1bd11bda ^ key[0] ^ key[1]];
  let x0 = (counter0 + key[0]) | 0;
  let x1 = (counter1 + key[1]) | 0;
  for (let group = 1; group <= 5; group++) {
    for (const by of rotations[(group + 1) % 2]) {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << by) | (x1 >>> (32 - by))) ^ x0;
    }
    x0 = (x0 + schedule[group % 3]) | 0;
    x1 = (x1 + schedule[(group + 1) % 3] + group) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** Low and high word of an integer of up to 53 bits, in two's complement. */
export function words(value: number): [number, number] {
  return [value >>> 0, Math.floor(value / 2 ** 32) >>> 0];
}

function checkInteger(value: number): void {
  check(Number.isSafeInteger(value), () => `deriveKey: expected safe integers, got ${value}`);
}

/**
 * The key of a purpose: `deriveKey(seed, "generator", "z", step)`. Different purposes give unrelated keys.
 * @param seed a safe integer.
 * @param purpose strings and safe integers; `1` and `"1"` differ, and so do `"ab"` and `"a", "b"`.
 * @throws RangeError for a number that is not a safe integer.
 */
export function deriveKey(seed: number, ...purpose: readonly (string | number)[]): Key {
  checkInteger(seed);
  let key: Key = words(seed);
  for (const part of purpose) {
    // What kind of part and how long comes first, so that no two purposes give one sequence of words.
    if (typeof part === "number") {
      checkInteger(part);
      key = threefry(threefry(key, 0, 0), ...words(part));
    } else {
      key = threefry(key, 1, part.length);
      for (let i = 0; i < part.length; i++) key = threefry(key, part.charCodeAt(i), i);
    }
  }
  return key;
}

/** The words of a key from counter 0 on, one a call. */
function wordsOf(key: Key): () => number {
  let pair: [number, number];
  let used = 0;
  return () => {
    const odd = used % 2;
    if (odd === 0) pair = threefry(key, ...words(used / 2));
    used++;
    return pair[odd];
  };
}

/** A uint32 below `bound`, each equally likely: words past the last multiple of the bound are passed over. */
function below(bound: number, next: () => number): number {
  const end = 2 ** 32 - (2 ** 32 % bound);
  let word = next();
  while (word >= end) word = next();
  return word % bound;
}

/**
 * 0 to n − 1 in random order (Fisher and Yates 1938, Durstenfeld 1964), each order equally likely.
 * @throws RangeError unless n is an integer from 0 to 2³² − 1.
 */
export function permutation(n: number, key: Key): Uint32Array {
  check(
    Number.isInteger(n) && n >= 0 && n < 2 ** 32,
    () => `permutation: expected an integer from 0 to 2^32 - 1, got ${n}`,
  );
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const next = wordsOf(key);
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1, next);
    const picked = order[j];
    order[j] = order[i];
    order[i] = picked;
  }
  return order;
}
