/** An attribute of a node: a whole number, a float as `{ float }`, whole numbers, or text. */
export type Attribute = number | { readonly float: number } | readonly number[] | string;

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  readonly nodes: readonly Node[];
  /** Shapes by name, all float32. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Weights, part of the model. */
  readonly weights?: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly values: Float32Array }>
  >;
  /** Shapes and axes that some ops take as inputs. */
  readonly integers?: Readonly<Record<string, readonly number[]>>;
}

const utf8 = new TextEncoder();

/** Base 128, the low bits first; values below 2^53. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

type Part = readonly number[] | Uint8Array;

function joined(parts: readonly Part[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Fields of a protobuf message by their number. */
const whole = (field: number, value: number): Part => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, content: Uint8Array): Part =>
  joined([varint(field * 8 + 2), varint(content.length), content]);
const text = (field: number, value: string): Part => bytes(field, utf8.encode(value));
const message = (field: number, ...parts: readonly Part[]): Part => bytes(field, joined(parts));
const float = (field: number, value: number): Part =>
  joined([varint(field * 8 + 5), raw(Float32Array.of(value))]);

const raw = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20. */
function attribute(name: string, value: Attribute): Part {
  const typed = (type: number, ...parts: Part[]) => message(5, text(1, name), ...parts, whole(20, type));
  if (typeof value === "number") return typed(2, whole(3, value));
  if (typeof value === "string") return typed(3, text(4, value));
  if ("float" in value) return typed(1, float(2, value.float));
  return typed(7, ...value.map((n) => whole(8, n)));
}

const floats = 1;
const int64s = 7;

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
const tensor = (name: string, shape: readonly number[], type: number, values: ArrayBufferView): Part =>
  message(5, ...shape.map((n) => whole(1, n)), whole(2, type), text(8, name), bytes(9, raw(values)));

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }. */
const value = (field: number, name: string, shape: readonly number[]): Part =>
  message(
    field,
    text(1, name),
    message(2, message(1, whole(1, floats), message(2, ...shape.map((n) => message(1, whole(1, n)))))),
  );

/** A model file of ONNX (opset 17) from a graph: ModelProto { ir_version 1, graph 7, opset_import 8 }. */
export function onnxModel({ nodes, inputs, outputs, weights = {}, integers = {} }: Graph): Uint8Array {
  const graph = message(
    7,
    ...nodes.map(({ op, inputs, outputs, attributes = {} }) =>
      message(
        1,
        ...inputs.map((name) => text(1, name)),
        ...outputs.map((name) => text(2, name)),
        text(4, op),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ),
    ),
    text(2, "case"),
    ...Object.entries(weights).map(([name, { shape, values }]) => tensor(name, shape, floats, values)),
    ...Object.entries(integers).map(([name, values]) =>
      tensor(name, [values.length], int64s, BigInt64Array.from(values, BigInt)),
    ),
    ...Object.entries(inputs).map(([name, shape]) => value(11, name, shape)),
    ...Object.entries(outputs).map(([name, shape]) => value(12, name, shape)),
  );
  return joined([whole(1, 8), graph, message(8, whole(2, 17))]);
}
