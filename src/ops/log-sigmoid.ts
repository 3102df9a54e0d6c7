import { neg, softplus, type Tensor } from "@tensorflow/tfjs-core";

/**
 * ln sigmoid(x) = −softplus(−x), without overflow, differentiable any number of times (the built-in custom
 * gradient of `tf.logSigmoid` reads its input again after TensorFlow.js has disposed it, so it throws where x
 * was computed inside of the gradient).
 * @param x float32 of any shape.
 */
export function logSigmoid(x: Tensor): Tensor {
  return neg(softplus(neg(x)));
}
