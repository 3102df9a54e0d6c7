// Slices of a tensor at index vectors: gathered, added up, replaced. Index vectors become positions along the
// merged leading axes, so that the ops along one axis serve.
import {
  gather,
  gatherND,
  greaterEqual,
  mul,
  reshape,
  scatterND,
  sum,
  type Tensor,
  tensor1d,
  unsortedSegmentSum,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
import { call, defineOp, type Op } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import { elementsIn } from "./axis.ts";
import { gatherGrad, gather as gatherOp, mostSteps } from "./gather.ts";
import { stridesOf } from "./strided-copy.ts";

interface Shaped {
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** How index vectors [..., depth] read a tensor of this shape: as [lead, run]. */
function plan(op: string, shape: readonly number[], indices: Shaped) {
  const depth = indices.shape.length === 0 ? 0 : indices.shape.at(-1)!;
  checkType(
    indices.dtype === "int32",
    () => `${op}: expected indices of dtype int32, got ${indices.dtype}. Cast them (tf.cast).`,
  );
  check(
    indices.shape.length > 0 && depth <= shape.length,
    () =>
      `${op}: expected index vectors [..., at most ${shape.length}] into ${showShape(shape)}, got indices ${showShape(indices.shape)}`,
  );
  return {
    depth,
    count: elementsIn(indices.shape.slice(0, -1)),
    lead: elementsIn(shape.slice(0, depth)),
    run: elementsIn(shape.slice(depth)),
    shape: [...indices.shape.slice(0, -1), ...shape.slice(depth)],
  };
}

/**
 * Position of each index vector along the merged leading axes, int32 [count]. Those outside throw, unless the indices
 * are on the GPU alone: there they read zeros and write nothing.
 */
function positions(op: string, shape: readonly number[], indices: Tensor): Tensor {
  const { depth, count, lead } = plan(op, shape, indices);
  const strides = stridesOf(shape.slice(0, depth));
  const { residency } = currentBackend();
  if (residency.isReady(residency.of(indices.dataId), "wasm")) {
    const values = indices.dataSync();
    for (let first = 0; first < values.length; first += depth) {
      const at = strides.reduce((total, stride, k) => total + stride * values[first + k], 0);
      check(
        at >= 0 && at < lead,
        () =>
          `${op}: expected indices within ${showShape(shape)}, got some outside (indices ${showShape(indices.shape)})`,
      );
    }
  }
  return sum(mul(reshape(indices, [count, depth]), tensor1d(strides, "int32")), 1);
}

/** TensorFlow.js passes index vectors of rank 1 as a list of indices into the first axis. */
const asVectors = <T extends Shaped>(indices: T): readonly number[] =>
  indices.shape.length === 1 ? [indices.shape[0], 1] : indices.shape;

/** Slices of `params` at each of the index vectors in `indices`' last axis. */
export const gatherNd: Op<"params" | "indices"> = defineOp<"params" | "indices">({
  name: "GatherNd",
  inputs: ["params", "indices"],
  infer: ({ params, indices }) => ({
    shape: plan("gatherND", params.shape, indices).shape,
    dtype: params.dtype,
  }),
  wasm: "composed",
  compose: ({ params, indices }) => {
    const { lead, run, shape } = plan("gatherND", params.shape, indices);
    const rows = reshape(params, [lead, run]);
    return reshape(gather(rows, positions("gatherND", params.shape, indices) as never), shape);
  },
  gradient: (dy, { params, indices }) => ({
    params: () => {
      const { count, depth, run } = plan("gatherND", params.shape, indices);
      const flat = scatterND(
        reshape(indices, [count, depth]) as never,
        reshape(dy, [count, ...params.shape.slice(depth)]),
        params.shape as never,
      );
      return run === 0 ? zerosLike(params) : flat;
    },
  }),
});

/** Zeros of `shape` with each of `updates` added at its index vector. */
export const scatterNd: Op<"indices" | "updates", { shape: number[] }> = defineOp({
  name: "ScatterNd",
  inputs: ["indices", "updates"],
  infer: ({ indices, updates }, { shape }) => {
    const vectors = { shape: asVectors(indices), dtype: indices.dtype };
    const expected = plan("scatterND", shape, vectors).shape;
    check(
      elementsIn(expected) === elementsIn(updates.shape),
      () => `scatterND: expected updates ${showShape(expected)}, got ${showShape(updates.shape)}`,
    );
    return { shape, dtype: updates.dtype };
  },
  wasm: "composed",
  compose: ({ indices, updates }, { shape }) => {
    const vectors = reshape(indices, asVectors(indices) as number[]);
    const { lead, run, count } = plan("scatterND", shape, vectors);
    const at = positions("scatterND", shape, vectors);
    return reshape(unsortedSegmentSum(reshape(updates, [count, run]), at as never, lead), shape);
  },
  gradient: (dy, { indices, updates }) => ({
    updates: () => reshape(gatherND(dy, reshape(indices, asVectors(indices) as number[])), updates.shape),
  }),
});

/** For each of `size` positions the last of the ids that names it, int32; -1 where none does. */
const lastWriter = defineOp<"ids", { size: number }>({
  name: "GanvilLastWriter",
  inputs: ["ids"],
  infer: (_, { size }) => ({ shape: [size], dtype: "int32" }),
  wasm: ({ kernels }, { ids }, [w], { size }) => kernels.lastWriter(w.ptr, ids.ptr, size, ids.size),
  webgpu: (context, { ids }, [w], { size }) =>
    context.run({
      ...{ name: "lastWriter", read: { ids }, write: { w }, ints: { count: ids.size }, elements: size },
      body: () => `var last = u.count - 1;
  while (last >= 0 && ids[last] != i32(i)) { last--; }
  w[i] = last;`,
    }),
  onGpu: ({ ids }, { size }) => elementsIn(ids.shape) * size <= mostSteps,
});

/** The last update of each slice of a tensor [lead, run], int32 [lead], and whether it has one, [lead, 1]. */
function writers(shape: readonly number[], indices: Tensor) {
  const vectors = reshape(indices, asVectors(indices) as number[]);
  const sizes = plan("tensorScatterUpdate", shape, vectors);
  const ids = positions("tensorScatterUpdate", shape, vectors);
  const last = call(lastWriter, { ids }, { size: sizes.lead });
  return { ...sizes, last, written: greaterEqual(reshape(last, [sizes.lead, 1]), 0) };
}

/** `tensor` with slices replaced by `updates`; of several at one place the last counts. */
export const tensorScatterUpdate: Op<"tensor" | "indices" | "updates"> = defineOp<
  "tensor" | "indices" | "updates"
>({
  name: "TensorScatterUpdate",
  inputs: ["tensor", "indices", "updates"],
  infer: ({ tensor, indices, updates }) => {
    const vectors = { shape: asVectors(indices), dtype: indices.dtype };
    const expected = plan("tensorScatterUpdate", tensor.shape, vectors).shape;
    check(
      elementsIn(expected) === elementsIn(updates.shape) && tensor.dtype === updates.dtype,
      () =>
        `tensorScatterUpdate: expected ${tensor.dtype} updates ${showShape(expected)}, got ${updates.dtype} ${showShape(updates.shape)}`,
    );
    return tensor;
  },
  wasm: "composed",
  compose: ({ tensor, indices, updates }) => {
    if (tensor.size === 0 || updates.size === 0) return tensor.clone();
    const { lead, run, count, last, written } = writers(tensor.shape, indices);
    const rows = reshape(updates, [count, run]);
    const taken = call(gatherOp, { x: rows, indices: last }, { axis: 0, outside: "zeros" });
    return reshape(where(written, taken, reshape(tensor, [lead, run])), tensor.shape);
  },
  gradient: (dy, { tensor, indices, updates }) => {
    const empty = tensor.size === 0 || updates.size === 0;
    return {
      tensor: () => {
        if (empty) return dy.clone();
        const { lead, run, written } = writers(tensor.shape, indices);
        const rows = reshape(dy, [lead, run]);
        return reshape(where(written, zerosLike(rows), rows), tensor.shape);
      },
      updates: () => {
        if (empty) return zerosLike(updates);
        const { lead, run, count, last } = writers(tensor.shape, indices);
        const rows = reshape(dy, [lead, run]);
        const taken = call(gatherGrad, { dy: rows, indices: last }, { axis: 0, shape: [count, run] });
        return reshape(taken, updates.shape);
      },
    };
  },
});

export const gatherNdOps = [gatherNd, scatterNd, lastWriter, tensorScatterUpdate];
