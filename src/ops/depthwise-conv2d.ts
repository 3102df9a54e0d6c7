import { check, showShape } from "../errors.ts";
import type { Conv2dGeometry } from "../wasm/planner.ts";
import { convolutionFamily } from "./conv2d-family.ts";
import { type Conv2dAttrs, conv2dGeometry } from "./conv2d-geometry.ts";

/**
 * Geometry of a depthwise convolution. TensorFlow's filter [high, wide, channels, multiplier] has the memory of
 * our grouped filter [high, wide, 1, channels·multiplier] with groups = channels: same kernels.
 */
export function depthwiseGeometry(
  op: string,
  input: readonly number[],
  filter: readonly number[],
  attrs: Conv2dAttrs,
): Conv2dGeometry {
  const [high, wide, channels, multiplier] = filter;
  check(
    filter.length === 4 && channels === input[3],
    () =>
      `${op}: expected a filter [height, width, ${input[3]}, multiplier] for x ${showShape(input)}, got ${showShape(filter)}`,
  );
  const groups = Math.max(1, channels);
  return conv2dGeometry(op, input, [high, wide, 1, channels * multiplier], { ...attrs, groups });
}

/** One filter, or several, for each channel by itself. */
export const depthwiseConvolution = convolutionFamily(
  "depthwiseConv2d",
  ["DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput", "DepthwiseConv2dNativeBackpropFilter"],
  depthwiseGeometry,
);
