import { logSigmoid, logSoftmax } from "@tensorflow/tfjs-core";
import { useBackend } from "../../../bench/rivals/tfjs.ts";
import { evaluate } from "../evaluate.ts";
import type { Extras } from "../network.ts";
import { serve } from "./serve.ts";

const none = (): never => {
  throw new Error("no such function");
};

/** TensorFlow.js as it is: what it has no function for is missing. */
const extras: Extras = {
  groupedConv2d: none,
  groupedConv2dTranspose: none,
  batchNormTrain: none,
  logSigmoid: (x) => logSigmoid(x),
  logSoftmax: (x) => logSoftmax(x),
  spaceToDepth: none,
  upfirdn2d: none,
  biasActivation: none,
  gridSample: none,
  affineGrid: none,
  translate: none,
  colour: none,
};

/** Examines one of TensorFlow.js's own backends. */
export function serveTfjs(backend: string): void {
  serve(
    () => useBackend(backend),
    (network) => evaluate(network, extras),
  );
}
