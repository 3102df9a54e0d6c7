import {
  add,
  engine,
  grads,
  leakyRelu,
  matMul,
  mul,
  reshape,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tanh,
  variable,
} from "@tensorflow/tfjs-core";
import type { Call, ConvCall, Direction, FunctionName } from "../calls.ts";
import { opCases } from "../kernels.ts";
import { isDepthwise } from "../shapes.ts";
import type { TfjsBackend } from "./tfjs-contestant.ts";

/** A call bound to its inputs. */
interface Bound {
  readonly run: () => Tensor[];
  dispose?(): void;
}

/** A call in TensorFlow.js's terms; undefined where the backend has no such function. */
export function functionOf(call: Call, backend: TfjsBackend, inputs: Tensor[]): Bound | undefined {
  const [a, b] = inputs;
  switch (call.op) {
    case "matMul":
      return { run: () => [matMul(a as Tensor2D, b as Tensor2D, call.transposeA, call.transposeB)] };
    case "conv2d":
      if (call.conv.groups > 1 && !isDepthwise(call.conv) && !backend.groups) return undefined;
      return { run: () => [convolve(call.conv, call.direction, a, b)] };
    case "function": {
      const forward = pointwise(call.name, backend);
      if (!call.backward) return { run: () => [forward(...inputs)] };
      const gradients = grads(forward);
      return { run: () => gradients(inputs.slice(0, -1), inputs.at(-1)) };
    }
    case "adam": {
      const parameter = variable(b);
      const optimizer = backend.adam(parameter);
      return {
        run: () => {
          optimizer.step(a);
          return [parameter.clone()];
        },
        dispose: () => {
          parameter.dispose();
          optimizer.dispose();
        },
      };
    }
    case "case": {
      const { run } = opCases.find(({ name }) => name === call.name)!;
      return { run: () => [run(...inputs)].flat() };
    }
    case "step":
      return undefined;
  }
}

/** A function of its inputs, of which batch norm has three. */
function pointwise(name: FunctionName, backend: TfjsBackend): (...inputs: Tensor[]) => Tensor {
  switch (name) {
    case "batchNorm":
      return (x, scale, offset) => backend.batchNorm(x as Tensor4D, scale, offset);
    case "leakyRelu":
      return (x) => leakyRelu(x, 0.2);
    case "tanh":
      return (x) => tanh(x);
    case "add":
      return (a, b) => add(a, b);
    case "mul":
      return (a, b) => mul(a, b);
    case "sumRows":
      return (x) => sum(x, [0, 1, 2]);
    case "sumChannels":
      return (x) => sum(x, 3);
  }
}

/** By the kernels' names: no public function calls a gradient's alone. */
function convolve(conv: ConvCall, direction: Direction, a: Tensor, b: Tensor): Tensor {
  const depthwise = isDepthwise(conv);
  const [family, backprop] = depthwise
    ? ["DepthwiseConv2dNative", "DepthwiseConv2dNativeBackprop"]
    : ["Conv2D", "Conv2DBackprop"];
  const [high, wide, inputs, outputs] = conv.filter;
  // The same values in the same order: one of the two axes between is of size 1.
  const filterShape = depthwise
    ? [high, wide, conv.groups, outputs / conv.groups]
    : [high, wide, inputs, outputs];
  const attrs = {
    strides: [...conv.stride],
    pad: conv.pad,
    ...{ dataFormat: "NHWC", dilations: [1, 1], groups: depthwise ? 1 : conv.groups },
  };
  const kernel = (name: string, inputs: object, more: object = {}) =>
    engine().runKernel(name, inputs as never, { ...attrs, ...more } as never) as Tensor;
  switch (direction) {
    case "forward":
      return kernel(family, { x: a, filter: reshape(b, filterShape) });
    case "input":
      return kernel(
        `${backprop}Input`,
        { dy: a, filter: reshape(b, filterShape) },
        { inputShape: [...conv.x] },
      );
    case "filter":
      return kernel(`${backprop}Filter`, { x: a, dy: b }, { filterShape });
  }
}
