import type { GpuCall } from "../backend/op.ts";
import type { GpuOperand, Shader } from "../webgpu/shader.ts";

type Operands = Readonly<Record<string, GpuOperand>>;

/** A shader that computes pictures pixel by pixel. */
interface PixelShader extends Pick<Shader, "name" | "ints" | "floats" | "declarations"> {
  /** Pictures that are read, of as many channels as those that are written: arrays of V, or I for integers. */
  readonly pictures?: Operands;
  /** Other arrays that are read, element by element. */
  readonly tables?: Operands;
  /** One array of pictures [batch, height, width, channels]. */
  readonly write: Operands;
  /** Computes element `i`: channel `c` (of u.channels) of the pixel (row, col) of picture `b`. */
  readonly body: () => string;
}

/**
 * Runs a shader with a thread for each channel of each pixel, or for four channels where they are so many: V is a
 * float32 or four, I integers, U words, `lanes` their number and `lane` their indices. Sizes of the pictures written are
 * u.height and u.width; channels count in units of V.
 */
export function eachPixel(
  call: GpuCall,
  { name, pictures = {}, tables = {}, write, ints, floats, declarations, body }: PixelShader,
): void {
  const [written] = Object.values(write);
  const [, height, width, channels] = written.shape;
  const lanes = channels % 4 === 0 ? 4 : 1;
  const wide = lanes === 4;
  const typeOf = ({ dtype }: GpuOperand): string =>
    dtype === "float32" ? (wide ? "vec4f" : "f32") : wide ? "vec4i" : "i32";
  call.run({
    name,
    read: { ...pictures, ...tables },
    write,
    types: Object.fromEntries(
      Object.entries({ ...pictures, ...write }).map(([key, operand]) => [key, typeOf(operand)]),
    ),
    ints: { height, width, channels: channels / lanes, ...ints },
    floats,
    elements: written.size / lanes,
    declarations: () => `${wide ? wideTypes : singleTypes}${declarations?.() ?? ""}`,
    body: () => `let c = i32(i) % u.channels;
  let pixel = i32(i) / u.channels;
  let col = pixel % u.width;
  let row = pixel / u.width % u.height;
  let b = pixel / u.width / u.height;
  ${body()}`,
  });
}

const wideTypes = `alias V = vec4f;
alias I = vec4i;
alias U = vec4u;
const lanes = 4;
const lane = vec4i(0, 1, 2, 3);
`;

const singleTypes = `alias V = f32;
alias I = i32;
alias U = u32;
const lanes = 1;
const lane = 0;
`;
