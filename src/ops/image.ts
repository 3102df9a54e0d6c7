import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { call, defineOp } from "../backend/op.ts";
import { check, checkShape, checkType, kindOf, showShape } from "../errors.ts";
import { mathFor } from "./math.wgsl.ts";
import { sweepItems } from "./operand.ts";

/**
 * Pictures as decoded: uint8, NHWC, 0-255, row-major. `mirror[i] = 1` flips picture i left to right. A
 * training step turns them into float32 in [-1, 1].
 */
export interface ImageBytes {
  readonly data: Uint8Array;
  readonly shape: readonly [count: number, height: number, width: number, channels: number];
  readonly mirror?: Uint8Array;
}

export const imageBatchOp = defineOp<never, ImageBytes>({
  name: "GanvilImageBatch",
  inputs: [],
  infer: (_, { data, shape, mirror }) => {
    const [count, height, width, channels] = shape;
    for (const [name, part] of Object.entries({ data, mirror: mirror ?? new Uint8Array() })) {
      checkType(
        part instanceof Uint8Array,
        () => `imageBatch: expected ${name} in a Uint8Array, got ${kindOf(part)}`,
      );
    }
    checkShape("imageBatch", shape);
    check(
      shape.length === 4 && data.length === count * height * width * channels,
      () => `imageBatch: expected the bytes of ${showShape(shape)} (NHWC), got ${data.length}`,
    );
    check(
      mirror === undefined || mirror.length === count,
      () => `imageBatch: expected a mirror byte for each of ${count} pictures, got ${mirror?.length}`,
    );
    return { shape };
  },
  wasm: (context, _, [y], { data, shape, mirror }) => {
    const picture = shape[1] * shape[2] * shape[3];
    const flips = mirror === undefined ? 0 : context.bytes(mirror);
    const args = [context.bytes(data), flips, y.ptr, ...shape];
    sweepItems(context, "imageBatch", args, 3, picture, [picture, flips === 0 ? 0 : 1, 4 * picture]);
  },
  // A quotient's rounding is the device's, a product's rest is not.
  webgpu: (context, _, [y], { data, shape, mirror }) => {
    if (y.size === 0) return;
    const [, height, width, channels] = shape;
    context.run({
      name: mirror ? "imageBatch mirrored" : "imageBatch",
      read: { x: context.values(data), ...(mirror && { mirror: context.values(mirror) }) },
      write: { y },
      words: mirror ? { height, width, channels } : {},
      elements: y.size,
      declarations: () => "fn byteOf(word: i32, at: u32) -> i32 { return (word >> ((at & 3u) * 8u)) & 255; }",
      body: () => `var at = i;
  ${
    mirror
      ? `let column = (i / u.channels) % u.width;
  let picture = i / (u.channels * u.width * u.height);
  let turned = byteOf(mirror[picture / 4u], picture) != 0;
  at = select(i, i + (u.width - 1u - 2u * column) * u.channels, turned);`
      : ""
  }
  let centred = f32(2 * byteOf(x[at / 4u], at) - 255);
  let near = centred * ${1 / 255};
  y[i] = fma(fma(-255.0, near, centred), ${1 / 255}, near);`,
    });
  },
});

/**
 * Decoded pictures as a network takes them: float32 NHWC, x/127.5 − 1, so exactly −1 for 0 and 1 for 255. A
 * picture with `mirror[i] = 1` is flipped left to right.
 * @throws RangeError when the bytes are not those of the shape.
 */
export function imageBatch({ data, shape, mirror }: ImageBytes): Tensor4D {
  return call(imageBatchOp, {}, { data, shape, mirror }) as Tensor4D;
}

/** Bytes packed by four into int32, the last padded: TensorFlow.js has no type for them. */
export const imageBytesOp = defineOp<"x">({
  name: "GanvilImageBytes",
  inputs: ["x"],
  infer: ({ x }) => {
    checkType(x.dtype === "float32", () => `imageBytes: expected x of dtype float32, got ${x.dtype}`);
    const size = x.shape.reduce((a, b) => a * b, 1);
    return { shape: [Math.ceil(size / 4)], dtype: "int32" };
  },
  wasm: (context, { x }, [y]) => sweepItems(context, "imageBytes", [x.ptr, y.ptr, x.size], 2, 1, [4, 1]),
  webgpu: (context, { x }, [y]) =>
    context.run({
      name: "imageBytes",
      read: { x },
      write: { y },
      types: { x: "vec4f" },
      elements: y.size,
      declarations: () => mathFor("isNanF(", 4),
      body: () => `let scaled = clamp((x[i] + 1.0) * 127.5 + 0.5, F(0), F(255));
  let bytes = select(U(scaled), U(0), isNanF(x[i]));
  y[i] = bitcast<i32>(bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u));`,
    }),
});

/**
 * Pictures as bytes: (x + 1)·127.5, rounded half up and clamped to 0-255, in x's order (NHWC).
 * @param x float32 in [-1, 1].
 */
export async function imageBytes(x: Tensor4D): Promise<Uint8Array> {
  const packed = call(imageBytesOp, { x }, {});
  try {
    const { buffer, byteOffset } = await packed.data<"int32">();
    return new Uint8Array(buffer, byteOffset, x.size);
  } finally {
    packed.dispose();
  }
}

export const translateOp = defineOp<"x" | "shift", { direction: 1 | -1 }>({
  name: "GanvilTranslate",
  inputs: ["x", "shift"],
  infer: ({ x, shift }) => {
    check(x.shape.length === 4, () => `translate: expected x of rank 4 (NHWC), got ${showShape(x.shape)}`);
    checkType(x.dtype === "float32", () => `translate: expected x of dtype float32, got ${x.dtype}`);
    checkType(
      shift.dtype === "int32",
      () => `translate: expected shift of dtype int32, got ${shift.dtype}. Shifts are whole pixels.`,
    );
    check(
      shift.shape.length === 2 && shift.shape[0] === x.shape[0] && shift.shape[1] === 2,
      () => `translate: expected shift of shape [${x.shape[0]},2], got ${showShape(shift.shape)}`,
    );
    return { shape: x.shape };
  },
  wasm: (context, { x, shift }, [y], { direction }) => {
    const [n, h, w, c] = x.shape;
    const args = [x.ptr, shift.ptr, y.ptr, n, h, w, c, direction];
    const picture = h * w * c;
    sweepItems(context, "translate", args, 3, picture, [4 * picture, 8, 4 * picture]);
  },
  webgpu: (context, { x, shift }, [y], { direction }) => {
    const [, height, width, channels] = x.shape;
    context.run({
      name: "translate",
      read: { x, shift },
      write: { y },
      types: { x: "u32", y: "u32" },
      ints: { height, width, channels, direction },
      elements: y.size,
      body: () => `let pixel = i32(i) / u.channels;
  let row = pixel / u.width;
  let picture = row / u.height;
  let down = u.direction * clamp(shift[2 * picture], -u.height, u.height);
  let right = u.direction * clamp(shift[2 * picture + 1], -u.width, u.width);
  let fromRow = row % u.height - down;
  let fromColumn = pixel % u.width - right;
  let inside = fromRow >= 0 && fromRow < u.height && fromColumn >= 0 && fromColumn < u.width;
  let at = i32(i) - (down * u.width + right) * u.channels;
  y[i] = select(0u, x[select(0, at, inside)], inside);`,
    });
  },
  gradient: (dy, { shift }, { direction }) => ({
    x: (): Tensor => call(translateOp, { x: dy, shift }, { direction: direction === 1 ? -1 : 1 }),
  }),
});

/**
 * Moves each picture by whole pixels; zeros enter at the edge: y[n, i, j] = x[n, i − dy, j − dx]. The
 * translation of DiffAugment (Zhao et al. 2020, arXiv 2006.10738). Linear in x.
 * @param x float32 NHWC.
 * @param shift int32 [N, 2], (dy, dx) of each picture: down and to the right.
 * @throws RangeError, TypeError for other shapes and dtypes.
 */
export function translate<T extends Tensor = Tensor4D>(x: T, shift: Tensor2D): T {
  return call(translateOp, { x, shift }, { direction: 1 }) as T;
}
