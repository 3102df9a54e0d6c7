import { call, defineOp, type Op } from "../backend/op.ts";
import type { Conv2dGeometry } from "../wasm/planner.ts";
import { type Conv2dAttrs, checkDy, conv2dFlops, outputShape } from "./conv2d-geometry.ts";
import { convolve, convolveOnGpu } from "./conv2d-plan.ts";
import { checkFloats } from "./operand.ts";

/** The three directions of a convolution. Each is linear in both inputs, and each other's gradient. */
export interface ConvolutionFamily {
  /** y of x and filter. */
  readonly forward: Op<"x" | "filter", Conv2dAttrs, never, Conv2dGeometry>;
  /** dx of dy and filter: the transposed convolution. */
  readonly input: Op<"dy" | "filter", Conv2dAttrs & { readonly inputShape: number[] }, never, Conv2dGeometry>;
  /** dFilter of x and dy, summed over the batch. */
  readonly filter: Op<"x" | "dy", Conv2dAttrs & { readonly filterShape: number[] }, never, Conv2dGeometry>;
}

type GeometryOf = (
  op: string,
  input: readonly number[],
  filter: readonly number[],
  attrs: Conv2dAttrs,
) => Conv2dGeometry;

/**
 * Records of one kind of convolution.
 * @param op its name in messages.
 * @param names TensorFlow.js's kernel names: forward, input-gradient, filter-gradient.
 * @param geometryOf reads its filter's layout.
 */
export function convolutionFamily(
  op: string,
  names: readonly [string, string, string],
  geometryOf: GeometryOf,
): ConvolutionFamily {
  const forward: ConvolutionFamily["forward"] = defineOp({
    name: names[0],
    inputs: ["x", "filter"],
    infer: ({ x, filter }, attrs) => {
      checkFloats(op, { x, filter });
      const plan = geometryOf(op, x.shape, filter.shape, attrs);
      return { shape: outputShape(plan), plan };
    },
    flops: ({ x, filter }, attrs) => conv2dFlops(geometryOf(op, x.shape, filter.shape, attrs)),
    wasm: (call, { x, filter }, [y], _, plan) => convolve(call, plan, "forward", y, x, filter),
    webgpu: (call, { x, filter }, [y], _, plan) => convolveOnGpu(call, plan, "forward", y, x, filter),
    gradient: (dy, { x, filter }, attrs) => ({
      x: () => call(input, { dy, filter }, { ...attrs, inputShape: x.shape }),
      filter: () => call(filterGradient, { x, dy }, { ...attrs, filterShape: filter.shape }),
    }),
  });

  const input: ConvolutionFamily["input"] = defineOp({
    name: names[1],
    inputs: ["dy", "filter"],
    infer: ({ dy, filter }, attrs) => {
      const direction = `${op} input-gradient`;
      checkFloats(direction, { dy, filter });
      const plan = geometryOf(direction, attrs.inputShape, filter.shape, attrs);
      checkDy(direction, dy.shape, plan);
      return { shape: attrs.inputShape, plan };
    },
    flops: ({ filter }, attrs) => conv2dFlops(geometryOf(op, attrs.inputShape, filter.shape, attrs)),
    wasm: (call, { dy, filter }, [dx], _, plan) => convolve(call, plan, "inputGradient", dx, dy, filter),
    webgpu: (call, { dy, filter }, [dx], _, plan) =>
      convolveOnGpu(call, plan, "inputGradient", dx, dy, filter),
    gradient: (ddx, { dy, filter }, { inputShape: _, ...attrs }) => ({
      dy: () => call(forward, { x: ddx, filter }, attrs),
      filter: () => call(filterGradient, { x: ddx, dy }, { ...attrs, filterShape: filter.shape }),
    }),
  });

  const filterGradient: ConvolutionFamily["filter"] = defineOp({
    name: names[2],
    inputs: ["x", "dy"],
    infer: ({ x, dy }, attrs) => {
      const direction = `${op} filter-gradient`;
      checkFloats(direction, { x, dy });
      const plan = geometryOf(direction, x.shape, attrs.filterShape, attrs);
      checkDy(direction, dy.shape, plan);
      return { shape: attrs.filterShape, plan };
    },
    flops: ({ x }, attrs) => conv2dFlops(geometryOf(op, x.shape, attrs.filterShape, attrs)),
    wasm: (call, { x, dy }, [dFilter], _, plan) => convolve(call, plan, "filterGradient", dFilter, x, dy),
    webgpu: (call, { x, dy }, [dFilter], _, plan) =>
      convolveOnGpu(call, plan, "filterGradient", dFilter, x, dy),
    gradient: (ddFilter, { x, dy }, { filterShape: _, ...attrs }) => ({
      x: () => call(input, { dy, filter: ddFilter }, { ...attrs, inputShape: x.shape }),
      dy: () => call(forward, { x, filter: ddFilter }, attrs),
    }),
  });

  return { forward, input, filter: filterGradient };
}
