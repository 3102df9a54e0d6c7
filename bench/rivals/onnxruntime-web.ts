import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { checksum, inputValues } from "../calls.ts";
import type { Prepared, Task } from "./contestant.ts";
import { onnxCall } from "./onnx-calls.ts";
import { serve } from "./serve.ts";

serve({
  start: async ({ threads = 1, binaries }) => {
    env.wasm.numThreads = threads;
    env.wasm.wasmPaths = binaries as typeof env.wasm.wasmPaths;
    env.logLevel = "error";
    const counted = threads === 1 ? "one thread" : `${threads} threads`;
    return {
      says: `onnxruntime-web ${env.versions.web} (wasm, SIMD, ${counted}; forward only; second inputs are constants of the model; the copies of input and result into and out of its memory count)`,
    };
  },
  prepare,
});

async function prepare({ call, inputs: specs }: Task): Promise<Prepared | { readonly missing: string }> {
  const inputs = specs.map((spec, i) => ({ shape: spec.shape, values: inputValues(spec, i) }));
  const made = onnxCall(call, inputs);
  if (made === undefined) return { missing: call.op === "step" ? "it does not train" : "forward only" };
  const session = await InferenceSession.create(made.model, { executionProviders: ["wasm"] });
  const x = new Tensor("float32", made.input.values, made.input.shape);
  const run = async () => (await session.run({ x })).y.data as Float32Array;
  const first = await run();
  const bytes = 4 * (first.length + inputs.reduce((total, { values }) => total + values.length, 0));
  let latest = first;
  return {
    run: undefined,
    step: async () => {
      latest = await run();
    },
    checksum: checksum([made.toTensorFlow(first)]),
    bytes,
    verify: () => {
      if (!Number.isFinite(checksum([latest]))) throw new Error("the result is not finite");
    },
    dispose: () => {
      void session.release();
      return 0;
    },
  };
}
