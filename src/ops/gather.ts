import { call as callOp, defineOp, type GpuCall, type Op, type Operand } from "../backend/op.ts";
import { check, checkType, showShape } from "../errors.ts";
import type { GpuOperand } from "../webgpu/shader.ts";
import { axisIn, elementsIn } from "./axis.ts";
import { checkMovable, widthOf } from "./strided-copy.ts";

interface GatherAttrs {
  axis: number;
  /** Leading axes that `x` and `indices` share. Default 0. */
  batchDims?: number;
}

type Shaped = Pick<Operand, "shape" | "dtype">;

/** `x` as [batch, outer, size, run], `indices` as [batch, count], and the result's shape. */
function gatherPlan(xShape: readonly number[], indices: Shaped, { axis, batchDims = 0 }: GatherAttrs) {
  const along = axisIn("gather", axis, xShape);
  const batchRank = batchDims < 0 ? batchDims + indices.shape.length : batchDims;
  const batch = xShape.slice(0, batchRank);
  checkType(
    indices.dtype === "int32",
    () => `gather: expected indices of dtype int32, got ${indices.dtype}. Cast them (tf.cast).`,
  );
  const rank = indices.shape.length;
  const shapes = () => `x ${showShape(xShape)}, indices ${showShape(indices.shape)}`;
  check(
    batchRank >= 0 && batchRank <= rank,
    () => `gather: Expect batchDims in the range of [-${rank}, ${rank}], got ${batchDims} (${shapes()})`,
  );
  check(
    batchRank <= along,
    () => `gather: batchDims (${batchDims}) must be less than or equal to axis (${along}) (${shapes()})`,
  );
  const other = batch.findIndex((n, a) => n !== indices.shape[a]);
  check(
    other < 0,
    () =>
      `gather: x.shape[${other}] (${xShape[other]}) should be equal to indices.shape[${other}] (${indices.shape[other]}), both of them batches (${shapes()})`,
  );
  const picked = indices.shape.slice(batchRank);
  const before = xShape.slice(batchRank, along);
  const after = xShape.slice(along + 1);
  return {
    batch: elementsIn(batch),
    outer: elementsIn(before),
    size: xShape[along],
    count: elementsIn(picked),
    run: elementsIn(after),
    shape: [...batch, ...before, ...picked, ...after],
  };
}

interface Sizes {
  readonly batch: number;
  readonly outer: number;
  readonly size: number;
  readonly count: number;
  readonly run: number;
}

/**
 * Steps through indices that the adjoints on the GPU take at most, some tenths of a second there: each result looks
 * at every index, so that sums have a fixed order.
 */
export const mostSteps = 2 ** 33;

const fewSteps = ({ batch, outer, size, count, run }: Sizes): boolean =>
  batch * outer * size * run * count <= mostSteps;

/** The adjoint of `gather`, as `scatterAdd` in assembly/ops/gather.ts. */
function scatterAddOnGpu(
  call: GpuCall,
  dx: GpuOperand,
  dy: GpuOperand,
  indices: GpuOperand,
  { outer, size, count, run }: Sizes,
): void {
  call.run({
    ...{ name: "scatterAdd", read: { dy, indices }, write: { dx } },
    ...{ words: { outer, size, count, run }, elements: dx.size },
    body: () => `let r = i % u.run;
  let index = i32((i / u.run) % u.size);
  let o = i / (u.run * u.size);
  let first = (o / u.outer) * u.count;
  var sum = ${dx.dtype === "float32" ? "0.0" : "0i"};
  for (var k = 0u; k < u.count; k++) {
    if (indices[first + k] == index) { sum += dy[(o * u.count + k) * u.run + r]; }
  }
  dx[i] = sum;`,
  });
}

/**
 * Slices of `x` along an axis at int32 indices. `outside` says what an index beyond the axis gives: an error
 * (default), or zeros, which the adjoint of a sum that leaves such indices out needs. The GPU gives zeros in any case:
 * it cannot throw.
 */
export const gather: Op<"x" | "indices", GatherAttrs & { outside?: "error" | "zeros" }> = defineOp({
  name: "GatherV2",
  inputs: ["x", "indices"],
  infer: ({ x, indices }, attrs) => {
    checkMovable("gather", x.dtype);
    return { shape: gatherPlan(x.shape, indices, attrs).shape, dtype: x.dtype };
  },
  wasm: ({ kernels, intAt }, { x, indices }, [y], attrs) => {
    const { batch, outer, size, count, run } = gatherPlan(x.shape, indices, attrs);
    const bytes = run * widthOf(x.dtype);
    const bad = kernels.gather(y.ptr, x.ptr, indices.ptr, batch, outer, size, count, bytes);
    check(
      bad < 0 || attrs.outside === "zeros",
      () =>
        `gather: GatherV2: the index value ${intAt(indices.ptr, bad)} is not in [0, ${size - 1}] (x ${showShape(x.shape)}, axis ${attrs.axis}, position ${bad} of indices ${showShape(indices.shape)})`,
    );
  },
  webgpu: (call, { x, indices }, [y], attrs) => {
    const { outer, size, count, run } = gatherPlan(x.shape, indices, attrs);
    call.run({
      ...{ name: "gather", read: { x, indices }, write: { y } },
      ...{ words: { outer, size, count, run }, elements: y.size },
      body: () => `let o = i / (u.run * u.count);
  let index = u32(indices[(o / u.outer) * u.count + (i / u.run) % u.count]);
  if (index < u.size) { y[i] = x[(o * u.size + index) * u.run + i % u.run]; } else { y[i] = 0; }`,
    });
  },
  gradient: (dy, { x, indices }, { axis, batchDims }) => ({
    x: () => callOp(gatherGrad, { dy, indices }, { axis, batchDims, shape: x.shape }),
  }),
});

/** The adjoint of `gather`: slices of `dy` added at their indices along an axis of zeros of `shape`. */
export const gatherGrad: Op<"dy" | "indices", GatherAttrs & { shape: number[] }> = defineOp({
  name: "GanvilGatherGrad",
  inputs: ["dy", "indices"],
  infer: (_, { shape }) => ({ shape }),
  wasm: ({ kernels }, { dy, indices }, [dx], attrs) => {
    const { batch, outer, size, count, run } = gatherPlan(attrs.shape, indices, attrs);
    kernels.scatterAdd(dx.ptr, dy.ptr, indices.ptr, batch, outer, size, count, run);
  },
  webgpu: (call, { dy, indices }, [dx], attrs) =>
    scatterAddOnGpu(call, dx, dy, indices, gatherPlan(attrs.shape, indices, attrs)),
  onGpu: ({ indices }, attrs) => fewSteps(gatherPlan(attrs.shape, indices, attrs)),
  gradient: (ddx, { indices }, { axis, batchDims }) => ({
    dy: () => callOp(gather, { x: ddx, indices }, { axis, batchDims, outside: "zeros" }),
  }),
});

/** A sum over segments as the adjoint of `gather`. */
function segmentSizes(
  x: { readonly shape: readonly number[] },
  { shape }: { readonly shape: readonly number[] },
  size: number,
): Sizes {
  const run = elementsIn(x.shape.slice(shape.length));
  return { ...{ batch: 1, outer: 1, size, run }, count: elementsIn(shape) };
}

/** y[s] = Σ x[i] over the i with segmentIds[i] = s, for s < numSegments; other ids are left out. */
export const unsortedSegmentSum: Op<"x" | "segmentIds", { numSegments: number }> = defineOp({
  name: "UnsortedSegmentSum",
  inputs: ["x", "segmentIds"],
  infer: ({ x, segmentIds }, { numSegments }) => {
    checkType(
      x.dtype !== "string" && x.dtype !== "bool" && segmentIds.dtype === "int32",
      () =>
        `unsortedSegmentSum: expected x of dtype float32 or int32 and segmentIds of int32, got ${x.dtype}, ${segmentIds.dtype}`,
    );
    const rank = segmentIds.shape.length;
    check(
      segmentIds.shape.every((n, axis) => n === x.shape[axis]),
      () =>
        `unsortedSegmentSum: expected segmentIds to have the first axes of x ${showShape(x.shape)}, got ${showShape(segmentIds.shape)}`,
    );
    check(
      Number.isInteger(numSegments) && numSegments >= 0,
      () => `unsortedSegmentSum: expected a number of segments, got ${numSegments}`,
    );
    return { shape: [numSegments, ...x.shape.slice(rank)], dtype: x.dtype };
  },
  wasm: ({ kernels }, { x, segmentIds }, [y], { numSegments }) => {
    const run = elementsIn(y.shape.slice(1));
    if (x.dtype === "int32") {
      kernels.scatterAddI32(y.ptr, x.ptr, segmentIds.ptr, numSegments, segmentIds.size, run);
    } else {
      kernels.scatterAdd(y.ptr, x.ptr, segmentIds.ptr, 1, 1, numSegments, segmentIds.size, run);
    }
  },
  webgpu: (call, { x, segmentIds }, [y], { numSegments }) =>
    scatterAddOnGpu(call, y, x, segmentIds, segmentSizes(x, segmentIds, numSegments)),
  onGpu: ({ x, segmentIds }, { numSegments }) => fewSteps(segmentSizes(x, segmentIds, numSegments)),
  gradient: (dy, { segmentIds }) => ({
    x: () => callOp(gather, { x: dy, indices: segmentIds }, { axis: 0, outside: "zeros" }),
  }),
});
