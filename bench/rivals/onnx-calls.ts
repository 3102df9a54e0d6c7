import { type Call, type ConvCall, type FunctionName, padsOf } from "../calls.ts";
import { permuted } from "./layout.ts";
import { type Graph, type Node, onnxModel } from "./onnx-model.ts";

/** A call as a model, with how its pictures lie beside TensorFlow.js's. */
export interface OnnxCall {
  readonly model: Uint8Array;
  /** The input of each run, in ONNX's layout; what is left is part of the model. */
  readonly input: { readonly shape: readonly number[]; readonly values: Float32Array };
  /** Result in ONNX's layout → in TensorFlow.js's. */
  readonly toTensorFlow: (values: Float32Array) => Float32Array;
}

interface Given {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A call in ONNX's terms, or undefined: it has no gradients but that a transposed convolution gives. */
export function onnxCall(call: Call, inputs: readonly Given[]): OnnxCall | undefined {
  switch (call.op) {
    case "matMul": {
      const [a, b] = inputs;
      const [rows, columns] = [a.shape[call.transposeA ? 1 : 0], b.shape[call.transposeB ? 0 : 1]];
      const attributes = { transA: Number(call.transposeA), transB: Number(call.transposeB) };
      const node = { op: "Gemm", inputs: ["x", "w0"], outputs: ["y"], attributes };
      return asModel([node], inputs, [rows, columns]);
    }
    case "conv2d":
      if (call.direction === "filter") return undefined;
      return call.direction === "forward" ? forward(call.conv, inputs) : transposed(call.conv, inputs);
    case "function":
      return call.backward ? undefined : pointwise(call.name, inputs);
    default:
      return undefined;
  }
}

/** [N, H, W, C] ↔ [N, C, H, W], and HWIO → OIHW. */
const channelsFirst = [0, 3, 1, 2];
const channelsLast = [0, 2, 3, 1];

const turned = ({ shape, values }: Given, order: readonly number[]): Given => ({
  shape: order.map((axis) => shape[axis]),
  values: permuted(values, shape, order),
});

function asModel(
  nodes: readonly Node[],
  [x, ...rest]: readonly Given[],
  y: readonly number[],
  more: Partial<Graph> = {},
): OnnxCall {
  const weights = Object.fromEntries(rest.map((given, i) => [`w${i}`, given]));
  const model = onnxModel({ nodes, inputs: { x: x.shape }, outputs: { y }, weights, ...more });
  return { model, input: x, toTensorFlow: (values) => values };
}

/** The same of pictures, whose result has its channels first. */
function asPictureModel(
  nodes: readonly Node[],
  inputs: readonly Given[],
  y: readonly number[],
  more?: Partial<Graph>,
): OnnxCall {
  const first = channelsFirst.map((axis) => y[axis]);
  return {
    ...asModel(nodes, inputs, first, more),
    toTensorFlow: (values) => permuted(values, first, channelsLast),
  };
}

function convAttributes(conv: ConvCall) {
  const [top, bottom] = padsOf(conv, 0);
  const [left, right] = padsOf(conv, 1);
  return {
    kernel_shape: conv.filter.slice(0, 2),
    strides: conv.stride,
    pads: [top, left, bottom, right],
    group: conv.groups,
  };
}

function forward(conv: ConvCall, [x, filter]: readonly Given[]): OnnxCall {
  const node = { op: "Conv", inputs: ["x", "w0"], outputs: ["y"], attributes: convAttributes(conv) };
  return asPictureModel([node], [turned(x, channelsFirst), turned(filter, [3, 2, 0, 1])], conv.y);
}

function transposed(conv: ConvCall, [dy, filter]: readonly Given[]): OnnxCall {
  const attributes = convAttributes(conv);
  const node = { op: "ConvTranspose", inputs: ["x", "w0"], outputs: ["y"], attributes };
  return asPictureModel([node], [turned(dy, channelsFirst), turned(filter, [3, 2, 0, 1])], conv.x);
}

function pointwise(name: FunctionName, inputs: readonly Given[]): OnnxCall | undefined {
  const [{ shape }] = inputs;
  const one = (op: string, names: readonly string[], attributes: Node["attributes"] = {}) => [
    { op, inputs: names, outputs: ["y"], attributes },
  ];
  switch (name) {
    case "batchNorm": {
      // Not BatchNormalization: its kernel for the CPU refuses training mode.
      const [x, scale, offset] = inputs;
      const nodes: Node[] = [
        { op: "ReduceMean", inputs: ["x"], outputs: ["mean"], attributes: { axes: [0, 2, 3] } },
        { op: "Sub", inputs: ["x", "mean"], outputs: ["centred"] },
        { op: "Mul", inputs: ["centred", "centred"], outputs: ["squares"] },
        { op: "ReduceMean", inputs: ["squares"], outputs: ["variance"], attributes: { axes: [0, 2, 3] } },
        { op: "Add", inputs: ["variance", "w2"], outputs: ["raised"] },
        { op: "Sqrt", inputs: ["raised"], outputs: ["root"] },
        { op: "Div", inputs: ["w0", "root"], outputs: ["gain"] },
        { op: "Mul", inputs: ["centred", "gain"], outputs: ["scaled"] },
        { op: "Add", inputs: ["scaled", "w1"], outputs: ["y"] },
      ];
      const column = ({ values }: Given) => ({ shape: [values.length, 1, 1], values });
      const epsilon = { shape: [1], values: Float32Array.of(1e-5) };
      return asPictureModel(nodes, [turned(x, channelsFirst), column(scale), column(offset), epsilon], shape);
    }
    case "leakyRelu":
      return asModel(one("LeakyRelu", ["x"], { alpha: { float: 0.2 } }), inputs, shape);
    case "tanh":
      return asModel(one("Tanh", ["x"]), inputs, shape);
    case "add":
      return asModel(one("Add", ["x", "w0"]), inputs, shape);
    case "mul":
      return asModel(one("Mul", ["x", "w0"]), inputs, shape);
    case "sumRows":
      return asModel(one("ReduceSum", ["x", "axes"], { keepdims: 0 }), inputs, shape.slice(3), {
        integers: { axes: [0, 1, 2] },
      });
    case "sumChannels":
      return asModel(one("ReduceSum", ["x", "axes"], { keepdims: 0 }), inputs, shape.slice(0, 3), {
        integers: { axes: [3] },
      });
  }
}
