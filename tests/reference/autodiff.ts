import { sizeOf } from "./nd.ts";

/** A float64 array that remembers how to pass its gradient on. */
export class Var {
  readonly shape: readonly number[];
  readonly value: Float64Array;
  readonly gradient: Float64Array;
  readonly #parents: readonly Var[];
  readonly #pass: (self: Var) => void;

  constructor(
    shape: readonly number[],
    value: ArrayLike<number>,
    parents: readonly Var[] = [],
    pass: (self: Var) => void = () => {},
  ) {
    this.shape = shape;
    this.value = Float64Array.from(value);
    this.gradient = new Float64Array(this.value.length);
    this.#parents = parents;
    this.#pass = pass;
  }

  /** Adds d(this)/dv to the gradient of every v that this scalar was made from. */
  backward(): void {
    const order: Var[] = [];
    const seen = new Set<Var>();
    const visit = (node: Var): void => {
      if (seen.has(node)) return;
      seen.add(node);
      for (const parent of node.#parents) visit(parent);
      order.push(node);
    };
    visit(this);
    this.gradient[0] = 1;
    for (const node of order.reverse()) node.#pass(node);
  }
}

const zeros = (shape: readonly number[]): Float64Array => new Float64Array(sizeOf(shape));

/** y = f(x) element by element; `slope` is f'. */
function map(x: Var, f: (v: number) => number, slope: (v: number) => number): Var {
  return new Var(x.shape, x.value.map(f), [x], ({ gradient }) => {
    for (const [i, dy] of gradient.entries()) x.gradient[i] += dy * slope(x.value[i]);
  });
}

const logistic = (v: number): number => 1 / (1 + Math.exp(-v));

export const relu = (x: Var): Var => leakyRelu(x, 0);
export const leakyRelu = (x: Var, alpha: number): Var =>
  map(
    x,
    (v) => (v > 0 ? v : alpha * v),
    (v) => (v > 0 ? 1 : alpha),
  );
export const tanh = (x: Var): Var => map(x, Math.tanh, (v) => 1 - Math.tanh(v) ** 2);
export const negate = (x: Var): Var =>
  map(
    x,
    (v) => -v,
    () => -1,
  );
export const softplus = (x: Var): Var =>
  map(x, (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))), logistic);

export function mean(x: Var): Var {
  const n = x.value.length;
  return new Var([], [x.value.reduce((a, b) => a + b, 0) / n], [x], ({ gradient }) => {
    for (let i = 0; i < n; i++) x.gradient[i] += gradient[0] / n;
  });
}

export function add(a: Var, b: Var): Var {
  return new Var(
    a.shape,
    a.value.map((v, i) => v + b.value[i]),
    [a, b],
    ({ gradient }) => {
      for (const [i, dy] of gradient.entries()) {
        a.gradient[i] += dy;
        b.gradient[i] += dy;
      }
    },
  );
}

/** Adds `bias` [C] to the last axis. */
export function addBias(x: Var, bias: Var): Var {
  const channels = bias.value.length;
  return new Var(
    x.shape,
    x.value.map((v, i) => v + bias.value[i % channels]),
    [x, bias],
    ({ gradient }) => {
      for (const [i, dy] of gradient.entries()) {
        x.gradient[i] += dy;
        bias.gradient[i % channels] += dy;
      }
    },
  );
}

export function reshape(x: Var, shape: readonly number[]): Var {
  return new Var(shape, x.value, [x], ({ gradient }) => {
    for (const [i, dy] of gradient.entries()) x.gradient[i] += dy;
  });
}

/** Joins along the first axis. */
export function concat(a: Var, b: Var): Var {
  const shape = [a.shape[0] + b.shape[0], ...a.shape.slice(1)];
  return new Var(shape, [...a.value, ...b.value], [a, b], ({ gradient }) => {
    for (const [i, dy] of gradient.entries()) {
      if (i < a.value.length) a.gradient[i] += dy;
      else b.gradient[i - a.value.length] += dy;
    }
  });
}

/** Rows [from, to) of the first axis. */
export function rows(x: Var, from: number, to: number): Var {
  const width = x.value.length / x.shape[0];
  const shape = [to - from, ...x.shape.slice(1)];
  return new Var(shape, x.value.slice(from * width, to * width), [x], ({ gradient }) => {
    for (const [i, dy] of gradient.entries()) x.gradient[from * width + i] += dy;
  });
}

export function matMul(a: Var, b: Var): Var {
  const [m, k] = a.shape;
  const n = b.shape[1];
  const y = zeros([m, n]);
  const each = (visit: (y: number, a: number, b: number) => void): void => {
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) for (let p = 0; p < k; p++) visit(i * n + j, i * k + p, p * n + j);
  };
  each((i, p, q) => {
    y[i] += a.value[p] * b.value[q];
  });
  return new Var([m, n], y, [a, b], ({ gradient }) =>
    each((i, p, q) => {
      a.gradient[p] += gradient[i] * b.value[q];
      b.gradient[q] += gradient[i] * a.value[p];
    }),
  );
}

/** Calls `visit(big, small, filter)` for every product of a stride-2 convolution padded by (kernel - 2) / 2. */
function eachProduct(
  n: number,
  [height, width, inputs]: readonly number[],
  kernel: number,
  outputs: number,
  visit: (big: number, small: number, filter: number) => void,
): void {
  const pad = (kernel - 2) / 2;
  for (let i = 0; i < n; i++)
    for (let oy = 0; oy < height / 2; oy++)
      for (let ox = 0; ox < width / 2; ox++)
        for (let ky = 0; ky < kernel; ky++)
          for (let kx = 0; kx < kernel; kx++) {
            const y = oy * 2 + ky - pad;
            const x = ox * 2 + kx - pad;
            if (y < 0 || y >= height || x < 0 || x >= width) continue;
            const big = ((i * height + y) * width + x) * inputs;
            const small = ((i * (height / 2) + oy) * (width / 2) + ox) * outputs;
            const filter = (ky * kernel + kx) * inputs * outputs;
            for (let c = 0; c < inputs; c++)
              for (let o = 0; o < outputs; o++) visit(big + c, small + o, filter + c * outputs + o);
          }
}

/** Stride-2 convolution: x [N,H,W,C], filter [K,K,C,O] → [N,H/2,W/2,O]. */
export function convDown(x: Var, filter: Var): Var {
  const [n, height, width, inputs] = x.shape;
  const [kernel, , , outputs] = filter.shape;
  const shape = [n, height / 2, width / 2, outputs];
  const y = zeros(shape);
  const each = (visit: (big: number, small: number, w: number) => void) =>
    eachProduct(n, [height, width, inputs], kernel, outputs, visit);
  each((big, small, w) => {
    y[small] += x.value[big] * filter.value[w];
  });
  return new Var(shape, y, [x, filter], ({ gradient }) =>
    each((big, small, w) => {
      x.gradient[big] += gradient[small] * filter.value[w];
      filter.gradient[w] += gradient[small] * x.value[big];
    }),
  );
}

/** Stride-2 transposed convolution: x [N,H,W,I], filter [K,K,O,I] → [N,2H,2W,O]. */
export function convUp(x: Var, filter: Var): Var {
  const [n, height, width, inputs] = x.shape;
  const [kernel, , outputs] = filter.shape;
  const shape = [n, height * 2, width * 2, outputs];
  const y = zeros(shape);
  const each = (visit: (big: number, small: number, w: number) => void) =>
    eachProduct(n, shape.slice(1), kernel, inputs, visit);
  each((big, small, w) => {
    y[big] += x.value[small] * filter.value[w];
  });
  return new Var(shape, y, [x, filter], ({ gradient }) =>
    each((big, small, w) => {
      x.gradient[small] += gradient[big] * filter.value[w];
      filter.gradient[w] += gradient[big] * x.value[small];
    }),
  );
}

/** Training batch norm over all axes but the last, each of `parts` slices of the batch by itself. */
export function batchNorm(x: Var, scale: Var, offset: Var, parts: number, epsilon = 1e-5): Var {
  const channels = scale.value.length;
  const part = x.value.length / parts;
  const n = part / channels;
  const y = zeros(x.shape);
  const normal = zeros(x.shape);
  const inverse = new Float64Array(parts * channels);
  const members = (p: number, c: number): number[] =>
    Array.from({ length: n }, (_, i) => p * part + i * channels + c);
  for (let p = 0; p < parts; p++)
    for (let c = 0; c < channels; c++) {
      const own = members(p, c);
      const middle = own.reduce((sum, i) => sum + x.value[i], 0) / n;
      const variance = own.reduce((sum, i) => sum + (x.value[i] - middle) ** 2, 0) / n;
      inverse[p * channels + c] = 1 / Math.sqrt(variance + epsilon);
      for (const i of own) {
        normal[i] = (x.value[i] - middle) * inverse[p * channels + c];
        y[i] = normal[i] * scale.value[c] + offset.value[c];
      }
    }
  return new Var(x.shape, y, [x, scale, offset], ({ gradient }) => {
    for (let p = 0; p < parts; p++)
      for (let c = 0; c < channels; c++) {
        const own = members(p, c);
        const sum = own.reduce((total, i) => total + gradient[i], 0);
        const dot = own.reduce((total, i) => total + gradient[i] * normal[i], 0);
        scale.gradient[c] += dot;
        offset.gradient[c] += sum;
        for (const i of own) {
          x.gradient[i] +=
            scale.value[c] * inverse[p * channels + c] * (gradient[i] - sum / n - (normal[i] * dot) / n);
        }
      }
  });
}
