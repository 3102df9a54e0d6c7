import { defineOp } from "../backend/op.ts";
import type { Conv2dGeometry } from "../wasm/planner.ts";
import { applyFused, applyFusedOnGpu, checkFused, type FusedAttrs } from "./bias-activation.ts";
import { type Conv2dAttrs, conv2dGeometry, outputShape } from "./conv2d-geometry.ts";
import { convolve, convolveOnGpu } from "./conv2d-plan.ts";
import { depthwiseGeometry } from "./depthwise-conv2d.ts";
import { checkFloats } from "./operand.ts";

// TensorFlow.js differentiates its fused ops itself, by the unfused kernels: no gradient here.

type Attrs = Conv2dAttrs & FusedAttrs;
type Inputs = "x" | "filter";
type Optional = "bias" | "preluActivationWeights";

function fusedOp(name: string, op: string, geometryOf: typeof conv2dGeometry) {
  return defineOp<Inputs, Attrs, Optional, Conv2dGeometry>({
    name,
    inputs: ["x", "filter", "bias", "preluActivationWeights"],
    optional: ["bias", "preluActivationWeights"],
    infer: ({ x, filter, bias, preluActivationWeights }, attrs) => {
      checkFloats(op, { x, filter });
      const plan = geometryOf(op, x.shape, filter.shape, attrs);
      const shape = outputShape(plan);
      checkFused(op, shape, attrs, bias, preluActivationWeights);
      return { shape, plan };
    },
    wasm: (call, { x, filter, bias, preluActivationWeights }, [y], attrs, plan) => {
      convolve(call, plan, "forward", y, x, filter);
      applyFused(call, y, attrs, bias, preluActivationWeights);
    },
    webgpu: (call, { x, filter, bias, preluActivationWeights }, [y], attrs, plan) => {
      convolveOnGpu(call, plan, "forward", y, x, filter);
      applyFusedOnGpu(call, y, attrs, bias, preluActivationWeights);
    },
  });
}

/** activation(conv2d(x, filter) + bias). */
export const fusedConv2d = fusedOp("FusedConv2D", "fused.conv2d", conv2dGeometry);

/** activation(depthwiseConv2d(x, filter) + bias). */
export const fusedDepthwiseConv2d = fusedOp(
  "FusedDepthwiseConv2D",
  "fused.depthwiseConv2d",
  depthwiseGeometry,
);
