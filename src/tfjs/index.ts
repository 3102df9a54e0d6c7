import "@tensorflow/tfjs-backend-cpu";
import type { GanvilBackend } from "../backend/backend.ts";
import { type InitOptions, init as initCore } from "../init.ts";
import { ops } from "../ops/index.ts";
import { borrowKernels } from "./borrow.ts";
import { registerDilationGradient } from "./dilation.ts";

export type { Device, InitOptions } from "../init.ts";

/**
 * `init()` of the core with every kernel that TensorFlow.js has: those that no GAN needs (strings, ragged and
 * sparse tensors, Fourier transforms, complex numbers, boxes, ...) are borrowed from its cpu backend, over the
 * same heap. Makes `ganvil` a backend for any TensorFlow.js program; `tf.setBackend("ganvil")` works from then
 * on. May follow the core's `init()`.
 * @throws what the core's `init()` throws
 */
export async function init(options: InitOptions = {}): Promise<GanvilBackend> {
  const backend = await initCore(options);
  borrowKernels(ops);
  registerDilationGradient();
  return backend;
}
