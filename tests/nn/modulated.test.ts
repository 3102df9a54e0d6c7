import {
  add,
  concat,
  expandDims,
  grad,
  mul,
  randomNormal,
  slice,
  square,
  sum,
  type Tensor,
  tensor,
  tidy,
  tile,
} from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { equalConv, equalDense } from "../../src/nn/equalized.ts";
import { modulatedConv, styleLayer } from "../../src/nn/modulated.ts";
import { inferenceMode, type Mode, Parameters } from "../../src/nn/network.ts";
import { styleNetwork } from "../../src/nn/style.ts";
import { deriveKey } from "../../src/random.ts";
import { useBuild } from "../builds.ts";
import { expectClose, random } from "../ops/check.ts";

beforeAll(useBuild);

const parameters = () => new Parameters((name) => deriveKey(1, name));
const resting = inferenceMode();

/** As in a step: noise of its own for each picture. */
const training: Mode = { ...resting, training: true, key: (purpose) => deriveKey(2, purpose) };

function noise(name: string, shape: readonly number[]): Tensor {
  const next = random(name);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: size }, () => 2 * next() - 1),
    [...shape],
  );
}

/** The paper's equations for one picture, in float64: a 3×3 filter of the picture's own. */
function modulatedByDefinition(
  picture: { data: ArrayLike<number>; size: number; inputs: number },
  weight: ArrayLike<number>,
  outputs: number,
  style: readonly number[],
): Float64Array {
  const { data, size, inputs } = picture;
  const own = Float64Array.from(
    weight,
    (w, i) => (w / Math.sqrt(9 * inputs)) * style[Math.floor(i / outputs) % inputs],
  );
  const norms = Array.from({ length: outputs }, () => 1e-8);
  for (const [i, w] of own.entries()) norms[i % outputs] += w * w;
  const y = new Float64Array(size * size * outputs);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      for (let r = 0; r < 3; r++)
        for (let s = 0; s < 3; s++) {
          const [h, w] = [i + r - 1, j + s - 1];
          if (h < 0 || w < 0 || h >= size || w >= size) continue;
          for (let c = 0; c < inputs; c++)
            for (let o = 0; o < outputs; o++)
              y[(i * size + j) * outputs + o] +=
                (data[(h * size + w) * inputs + c] * own[((r * 3 + s) * inputs + c) * outputs + o]) /
                Math.sqrt(norms[o]);
        }
  return y;
}

it("a modulated convolution is each picture's own filter, scaled by its style and to unit norm", async () => {
  const [inputs, outputs, size, width] = [3, 4, 5, 6];
  const to = parameters();
  const convolve = modulatedConv(to, "layer", { inputs, outputs, kernel: 3, width });
  const [x, w] = [noise("x", [2, size, size, inputs]), noise("w", [2, width])];
  const y = await convolve(x, w, resting).data<"float32">();
  const [data, codes, weight] = await Promise.all(
    [x, w, to.parameters["layer.weight"]].map((t) => t.data<"float32">()),
  );
  const affine = await to.parameters["layer.style.weight"].data<"float32">();
  for (const n of [0, 1]) {
    const style = Array.from({ length: inputs }, (_, c) => {
      let s = 1;
      for (let i = 0; i < width; i++) s += (codes[n * width + i] * affine[i * inputs + c]) / Math.sqrt(width);
      return s;
    });
    const pixels = size * size;
    const picture = { data: data.slice(n * pixels * inputs, (n + 1) * pixels * inputs), size, inputs };
    expectClose(
      `picture ${n}`,
      y.slice(n * pixels * outputs, (n + 1) * pixels * outputs),
      modulatedByDefinition(picture, weight, outputs, style),
      1e-5,
    );
  }
});

/** Standard deviation over all elements. */
async function deviation(x: Tensor): Promise<number> {
  const values = await x.data<"float32">();
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
}

it("demodulated outputs have unit deviation whatever the style, at the same and at twice the size", async () => {
  for (const up of [false, true]) {
    const convolve = modulatedConv(parameters(), "layer", {
      inputs: 16,
      outputs: 16,
      kernel: 3,
      width: 8,
      up,
    });
    const x = randomNormal([4, 16, 16, 16], 0, 1, "float32", 3);
    const y = convolve(x, mul(noise("w", [4, 8]), 20), resting);
    expect(y.shape).toEqual([4, up ? 32 : 16, up ? 32 : 16, 16]);
    // The low-pass filter takes part of what upsampled noise has.
    expect(await deviation(y)).toBeGreaterThan(up ? 0.5 : 0.9);
    expect(await deviation(y)).toBeLessThan(1.1);
  }
});

it("a constant picture is upsampled to a constant one by a filter that keeps it", async () => {
  const to = parameters();
  const options = { inputs: 1, outputs: 1, kernel: 3, width: 1, up: true, demodulate: false };
  const convolve = modulatedConv(to, "layer", options);
  to.parameters["layer.weight"].assign(tensor([0, 0, 0, 0, 3, 0, 0, 0, 0], [3, 3, 1, 1]));
  to.parameters["layer.style.weight"].assign(tensor([[0]]));
  const y = convolve(tensor(new Float32Array(36).fill(2), [1, 6, 6, 1]), noise("w", [1, 1]), resting);
  const inside = slice(y, [0, 2, 2, 0], [1, 8, 8, 1]);
  expectClose("inside", await inside.data<"float32">(), new Float32Array(64).fill(2), 1e-6);
});

it("equalised layers keep the deviation, at any rate, and a rate scales the step alone", async () => {
  const x = randomNormal([512, 64], 0, 1, "float32", 5);
  for (const rate of [1, 0.01]) {
    const to = parameters();
    const layer = equalDense(to, "dense", { inputs: 64, outputs: 64, rate, bias: 1 });
    const y = layer(x, resting);
    expect(await deviation(y)).toBeCloseTo(1, 1);
    expect(await deviation(to.parameters["dense.weight"])).toBeCloseTo(1 / rate, rate === 1 ? 1 : -1);
    expect((await to.parameters["dense.bias"].data<"float32">())[0]).toBeCloseTo(1 / rate, 3);
  }
  const down = equalConv(parameters(), "conv", { inputs: 4, outputs: 6, kernel: 3, down: true });
  expect(down(noise("picture", [2, 8, 8, 4]), resting).shape).toEqual([2, 4, 4, 6]);
});

it("noise of a strength differs between pictures in training and is the same for all in inference", async () => {
  const to = parameters();
  const layer = styleLayer(to, "layer", { inputs: 2, outputs: 2, width: 3 });
  const [x, w] = [noise("x", [1, 4, 4, 2]), noise("w", [1, 3])];
  const twins = (mode: Mode) => layer(concat([x, x]), concat([w, w]), mode);
  const apart = async (mode: Mode) => {
    const y = await twins(mode).data<"float32">();
    return Math.max(...y.slice(0, 32).map((value, i) => Math.abs(value - y[32 + i])));
  };
  expect(await apart(training)).toBeLessThan(1e-6);
  to.parameters["layer.noise"].assign(tensor(0.5));
  expect(await apart(training)).toBeGreaterThan(0.1);
  expect(await apart(resting)).toBe(0);
});

/** A generator whose picture [N, styles, width] is the codes that each layer got. */
const showsCodes = (mixing: number, styles = 5) =>
  styleNetwork(
    0,
    "codes",
    (to) => {
      to.constant("unused", [1], 0);
      return {
        styles,
        map: (z) => z,
        synthesize: (w) => (w.shape.length === 3 ? w : tile(expandDims(w, 1), [1, styles, 1])),
      };
    },
    { mixing },
  );

it("mixing gives the last layers a second code, each crossover as often, in the part of pictures asked for", async () => {
  const [count, styles, mixing] = [4000, 5, 0.9];
  const z = tensor(
    Float32Array.from({ length: 2 * count }, (_, i) => 100 + (i >> 1)),
    [count, 2],
  );
  const codes = await showsCodes(mixing, styles).apply(z, training).data<"float32">();
  const crossovers = Array.from({ length: styles + 1 }, () => 0);
  for (let n = 0; n < count; n++) {
    const own = Array.from({ length: styles }, (_, layer) => codes[(n * styles + layer) * 2] === 100 + n);
    const crossover = own.indexOf(false) < 0 ? styles : own.indexOf(false);
    // After the crossover all layers have the other code.
    expect(own.slice(crossover).some(Boolean)).toBe(false);
    crossovers[crossover]++;
  }
  expect(crossovers[0]).toBe(0);
  const deviations = 4.5 * Math.sqrt(count * 0.225 * 0.775);
  for (const times of crossovers.slice(1, styles))
    expect(Math.abs(times - count * 0.225)).toBeLessThan(deviations);
  expect(Math.abs(crossovers[styles] - count * 0.1)).toBeLessThan(4.5 * Math.sqrt(count * 0.09));
});

it("nothing is mixed in inference, nor at a mixing of 0", async () => {
  const z = mul(noise("z", [3, 2]), 0.9);
  const expected = [...(await z.data<"float32">())].flatMap((_, i, all) =>
    i % 2
      ? []
      : Array(5)
          .fill([all[i], all[i + 1]])
          .flat(),
  );
  expectClose("inference", await showsCodes(0.9).apply(z, resting).data<"float32">(), expected, 1e-6);
  expectClose("no mixing", await showsCodes(0).apply(z, training).data<"float32">(), expected, 1e-6);
  expect(() => showsCodes(1.5)).toThrow("expected mixing from 0 to 1, got 1.5");
});

it("the second derivative of a modulated convolution is that of its differences", async () => {
  for (const up of [false, true]) {
    const convolve = modulatedConv(parameters(), "layer", { inputs: 2, outputs: 3, kernel: 3, width: 3, up });
    const x = noise("x", [2, 4, 4, 2]);
    const loss = (w: Tensor): Tensor =>
      sum(mul(square(convolve(x, w, resting)), noise("weights", [1, 1, 1, 3])));
    const slope = (w: Tensor): Tensor => sum(mul(grad(loss)(w), noise("direction", [2, 3])));
    const [w, along] = [noise("w", [2, 3]), noise("along", [2, 3])];
    const value = async (by: number): Promise<number> => {
      const at = tidy(() => slope(add(w, mul(along, by))));
      return (await at.data<"float32">())[0];
    };
    const curvature = (await tidy(() => sum(mul(grad(slope)(w), along))).data<"float32">())[0];
    const h = 0.01;
    const difference = ((await value(h)) - (await value(-h))) / (2 * h);
    expect(Math.abs(curvature)).toBeGreaterThan(0.1);
    expect(Math.abs(curvature - difference)).toBeLessThan(5e-3 * Math.abs(curvature) + 5e-3);
  }
});
