import "@tensorflow/tfjs-backend-cpu";
import { enableProdMode, env, setBackend } from "@tensorflow/tfjs-core";
import { composed } from "../composed.ts";
import { differences } from "../differences.ts";
import { serve } from "./serve.ts";

// TensorFlow.js's plain JavaScript kernels, of which only the forward is used, over float64: see ask.ts.
serve(
  async () => {
    enableProdMode();
    // Node's platform asks for Float32Array by a test of its own.
    env().platform.isTypedArray = (values: unknown): values is Float32Array => ArrayBuffer.isView(values);
    await setBackend("cpu");
  },
  (network) => differences(network, composed),
);
