import { engine, getGradient, type NamedAttrMap, registerGradient, type Tensor } from "@tensorflow/tfjs-core";

/**
 * Registers the gradient of greyscale dilation, the one borrowed op with a derivative, of first order as in
 * TensorFlow.js: in Node tfjs-core registers none.
 */
export function registerDilationGradient(): void {
  if (getGradient("Dilation2D")) return;
  registerGradient({
    kernelName: "Dilation2D",
    inputsToSave: ["x", "filter"],
    gradFunc: (dy, [x, filter], attrs) => {
      const adjoint = (kernel: string) => (): Tensor =>
        engine().runKernel(
          kernel,
          { x, filter, dy: dy as Tensor },
          attrs as unknown as NamedAttrMap,
        ) as unknown as Tensor;
      return { x: adjoint("Dilation2DBackpropInput"), filter: adjoint("Dilation2DBackpropFilter") };
    },
  });
}
