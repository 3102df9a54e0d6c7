// Blocks of pixels to the batch and back, each the other's adjoint: what TensorFlow.js makes dilated pooling of.
import { batchToSpaceND, pad, reshape, slice, spaceToBatchND, transpose } from "@tensorflow/tfjs-core";
import { defineOp } from "../backend/op.ts";
import { check, showShape } from "../errors.ts";
import { elementsIn } from "./axis.ts";

type Pairs = [number, number][];

/** Positions 1, 2, ... of the axes that are cut into blocks, each followed by its block's. */
const interleaved = (axes: number): number[] => Array.from({ length: 2 * axes }, (_, i) => i + 1);

/** x [batch, space..., rest...] padded and cut into blocks: [batch·blocks, space / block..., rest...]. */
export const spaceToBatch = defineOp<"x", { blockShape: number[]; paddings: Pairs }>({
  name: "SpaceToBatchND",
  inputs: ["x"],
  infer: ({ x }, { blockShape, paddings }) => {
    const space = blockShape.map((_, axis) => x.shape[axis + 1] + paddings[axis][0] + paddings[axis][1]);
    check(
      blockShape.length < x.shape.length && space.every((size, axis) => size % blockShape[axis] === 0),
      () =>
        `spaceToBatchND: expected blocks ${showShape(blockShape)} that divide the padded axes of x ${showShape(x.shape)}, got paddings ${JSON.stringify(paddings)}`,
    );
    const cut = space.map((size, axis) => size / blockShape[axis]);
    const shape = [x.shape[0] * elementsIn(blockShape), ...cut, ...x.shape.slice(blockShape.length + 1)];
    return { shape, dtype: x.dtype };
  },
  wasm: "composed",
  compose: ({ x }, { blockShape, paddings }) => {
    const axes = blockShape.length;
    const rest = x.shape.slice(axes + 1);
    const padded = pad(x, [[0, 0], ...paddings, ...rest.map((): [number, number] => [0, 0])]);
    const cut = blockShape.flatMap((block, axis) => [padded.shape[axis + 1] / block, block]);
    const all = interleaved(axes);
    const order = [
      ...all.filter((axis) => axis % 2 === 0),
      0,
      ...all.filter((axis) => axis % 2 === 1),
      ...rest.map((_, i) => 2 * axes + 1 + i),
    ];
    return reshape(transpose(reshape(padded, [x.shape[0], ...cut, ...rest]), order), [
      x.shape[0] * elementsIn(blockShape),
      ...blockShape.map((_, axis) => cut[2 * axis]),
      ...rest,
    ]);
  },
  gradient: (dy, _, { blockShape, paddings }) => ({ x: () => batchToSpaceND(dy, blockShape, paddings) }),
});

/** The inverse of `spaceToBatch`, then the edges cut off. */
export const batchToSpace = defineOp<"x", { blockShape: number[]; crops: Pairs }>({
  name: "BatchToSpaceND",
  inputs: ["x"],
  infer: ({ x }, { blockShape, crops }) => {
    const blocks = elementsIn(blockShape);
    check(
      blockShape.length < x.shape.length && x.shape[0] % blocks === 0,
      () =>
        `batchToSpaceND: expected a batch that ${blocks} blocks divide, got x ${showShape(x.shape)}, blockShape ${showShape(blockShape)}`,
    );
    const space = blockShape.map(
      (block, axis) => x.shape[axis + 1] * block - crops[axis][0] - crops[axis][1],
    );
    const shape = [x.shape[0] / blocks, ...space, ...x.shape.slice(blockShape.length + 1)];
    return { shape, dtype: x.dtype };
  },
  wasm: "composed",
  compose: ({ x }, { blockShape, crops }) => {
    const axes = blockShape.length;
    const rest = x.shape.slice(axes + 1);
    const space = x.shape.slice(1, axes + 1);
    const batch = x.shape[0] / elementsIn(blockShape);
    const order = [
      axes,
      ...space.flatMap((_, axis) => [axes + 1 + axis, axis]),
      ...rest.map((_, i) => 2 * axes + 1 + i),
    ];
    const whole = space.map((size, axis) => size * blockShape[axis]);
    const joined = reshape(transpose(reshape(x, [...blockShape, batch, ...space, ...rest]), order), [
      batch,
      ...whole,
      ...rest,
    ]);
    const begin = [0, ...crops.map(([before]) => before), ...rest.map(() => 0)];
    const kept = whole.map((size, axis) => size - crops[axis][0] - crops[axis][1]);
    return slice(joined, begin, [batch, ...kept, ...rest]);
  },
  gradient: (dy, _, { blockShape, crops }) => ({ x: () => spaceToBatchND(dy, blockShape, crops) }),
});
