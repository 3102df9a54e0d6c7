import { grad, type Array as JaxArray, jit, lax, nn, numpy as np } from "@jax-js/jax";
import { type Call, type ConvCall, type FunctionName, padsOf } from "../calls.ts";
import { permuted } from "./layout.ts";

interface Given {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A call bound to its inputs: compiled, not eager, as its users are told to. */
export interface JaxCall {
  run(): JaxArray[];
  /** A result in jax-js's layout → in TensorFlow.js's. */
  toTensorFlow(values: Float32Array, shape: readonly number[]): Float32Array;
  dispose(): void;
}

/** jax-js consumes what it is given, unless `.ref` is given. */
const arrayOf = ({ shape, values }: Given): JaxArray =>
  np.array(new Float32Array(values)).reshape([...shape]);

/** A call in jax-js's terms, or undefined. */
export function jaxCall(call: Call, inputs: readonly Given[]): JaxCall | undefined {
  switch (call.op) {
    case "matMul": {
      const turn = (x: JaxArray, turned: boolean) => (turned ? np.transpose(x) : x);
      return bound(inputs, (a, b) => [np.matmul(turn(a, call.transposeA), turn(b, call.transposeB))]);
    }
    case "conv2d":
      return convolution(call.conv, call.direction, inputs);
    case "function":
      return bound(inputs, pointwise(call.name, call.backward));
    case "adam":
      return adam(inputs);
    default:
      return undefined;
  }
}

function bound(inputs: readonly Given[], f: (...inputs: JaxArray[]) => JaxArray[]): JaxCall {
  const arrays = inputs.map(arrayOf);
  const compiled = jit(f);
  return {
    run: () => compiled(...arrays.map((array) => array.ref)),
    toTensorFlow: (values) => values,
    dispose: () => {
      for (const array of arrays) array.dispose();
      compiled.dispose();
    },
  };
}

const channelsFirst = [0, 3, 1, 2];
const filterFirst = [3, 2, 0, 1];

const turned = ({ shape, values }: Given, order: readonly number[]): Given => ({
  shape: order.map((axis) => shape[axis]),
  values: permuted(values, shape, order),
});

function convolution(
  conv: ConvCall,
  direction: "forward" | "input" | "filter",
  [a, b]: readonly Given[],
): JaxCall {
  const padding = [padsOf(conv, 0), padsOf(conv, 1)];
  const convolve = (x: JaxArray, filter: JaxArray) =>
    lax.convGeneralDilated(x, filter, [...conv.stride], padding, { featureGroupCount: conv.groups });
  const zeros = (shape: readonly number[], order: readonly number[]) =>
    np.zeros(order.map((axis) => shape[axis]));
  // The gradient of a sum weighed by dy, at any place: a convolution is linear in both.
  const directions = {
    forward: (x: JaxArray, filter: JaxArray) => [convolve(x, filter)],
    input: (dy: JaxArray, filter: JaxArray) => [
      grad((x: JaxArray) => convolve(x, filter).mul(dy).sum())(zeros(conv.x, channelsFirst)),
    ],
    filter: (x: JaxArray, dy: JaxArray) => [
      grad((filter: JaxArray) => convolve(x, filter).mul(dy).sum())(zeros(conv.filter, filterFirst)),
    ],
  };
  const orders = {
    forward: [channelsFirst, filterFirst, [0, 2, 3, 1]],
    input: [channelsFirst, filterFirst, [0, 2, 3, 1]],
    filter: [channelsFirst, channelsFirst, [2, 3, 1, 0]],
  }[direction];
  return {
    ...bound([turned(a, orders[0]), turned(b, orders[1])], directions[direction]),
    toTensorFlow: (values, shape) => permuted(values, shape, orders[2]),
  };
}

function pointwise(name: FunctionName, backward: boolean): (...inputs: JaxArray[]) => JaxArray[] {
  const forward = functions[name];
  if (!backward) return (...inputs) => [forward(...inputs)];
  return (...inputs) => {
    const dy = inputs.at(-1)!;
    const arguments_ = inputs.slice(0, -1);
    const gradients = grad(
      (...xs: JaxArray[]) =>
        forward(...xs)
          .mul(dy)
          .sum(),
      {
        argnums: arguments_.map((_, i) => i),
      },
    )(...arguments_);
    return gradients as unknown as JaxArray[];
  };
}

const functions: Record<FunctionName, (...inputs: JaxArray[]) => JaxArray> = {
  batchNorm: (x, scale, offset) => {
    const centred = x.ref.sub(np.mean(x, [0, 1, 2], { keepdims: true }));
    const variance = np.mean(np.square(centred.ref), [0, 1, 2], { keepdims: true });
    return centred
      .div(np.sqrt(variance.add(1e-5)))
      .mul(scale)
      .add(offset);
  },
  leakyRelu: (x) => nn.leakyRelu(x, 0.2),
  tanh: (x) => np.tanh(x),
  add: (a, b) => a.add(b),
  mul: (a, b) => a.mul(b),
  sumRows: (x) => np.sum(x, [0, 1, 2]),
  sumChannels: (x) => np.sum(x, 3),
};

/** Value and moments after one step of Adam; `rates` holds 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ). */
export function adamUpdate(
  [value, first, second, gradient]: readonly JaxArray[],
  rates: readonly [JaxArray, JaxArray],
  {
    learningRate,
    beta1,
    beta2,
  }: { readonly learningRate: number; readonly beta1: number; readonly beta2: number },
): [JaxArray, JaxArray, JaxArray] {
  const newFirst = first.mul(beta1).add(gradient.ref.mul(1 - beta1));
  const newSecond = second.mul(beta2).add(np.square(gradient).mul(1 - beta2));
  const root = np.sqrt(newSecond.ref.mul(rates[1])).add(1e-8);
  return [value.sub(newFirst.ref.mul(rates[0]).div(root).mul(learningRate)), newFirst, newSecond];
}

/** 1/(1 − βᵗ) for both betas. */
export const adamRates = (
  step: number,
  { beta1, beta2 }: { readonly beta1: number; readonly beta2: number },
) => [np.array(1 / (1 - beta1 ** step)), np.array(1 / (1 - beta2 ** step))] as const;

function adam([gradient, start]: readonly Given[]): JaxCall {
  const options = { learningRate: 1e-3, beta1: 0.5, beta2: 0.99 };
  const update = jit(
    (value: JaxArray, first: JaxArray, second: JaxArray, gradient: JaxArray, a: JaxArray, b: JaxArray) =>
      adamUpdate([value, first, second, gradient], [a, b], options),
  );
  const dy = arrayOf(gradient);
  let state = [arrayOf(start), np.zeros([...start.shape]), np.zeros([...start.shape])];
  let step = 0;
  return {
    run: () => {
      const [value, first, second] = state;
      state = update(value, first, second, dy.ref, ...adamRates(++step, options));
      return [state[0].ref];
    },
    toTensorFlow: (values) => values,
    dispose: () => {
      for (const array of [...state, dy]) array.dispose();
      update.dispose();
    },
  };
}
