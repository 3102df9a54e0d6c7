import { blockUntilReady, defaultDevice, init } from "@jax-js/jax";
import manifest from "../../node_modules/@jax-js/jax/package.json" with { type: "json" };
import { checksum, inputValues } from "../calls.ts";
import type { Contestant, Prepared, Task } from "./contestant.ts";
import { jaxCall } from "./jax-calls.ts";
import { jaxMlp } from "./jax-mlp.ts";

/** jax-js as a contestant; how many threads it has is decided before this file is loaded. */
export const jax: Contestant = {
  start: async ({ threads = 1 }) => {
    await init("wasm");
    defaultDevice("wasm");
    const counted = threads === 1 ? "one thread" : `${threads} threads`;
    return { says: `@jax-js/jax ${manifest.version} (wasm, ${counted}, compiled by its jit)` };
  },
  prepare,
};

async function prepare({ call, inputs: specs }: Task): Promise<Prepared | { readonly missing: string }> {
  if (call.op === "step") {
    if (call.shape.network !== "mlp") return { missing: "its convolutions take seconds" };
    const { run, parameters, dispose } = jaxMlp(call.shape);
    const step = async () => {
      const losses = await run();
      if (!losses.every(Number.isFinite)) throw new Error(`the step's losses are ${losses}`);
    };
    await step();
    return {
      ...{ run: undefined, step, parameters },
      dispose: () => {
        dispose();
        return 0;
      },
    };
  }
  const inputs = specs.map((spec, i) => ({ shape: spec.shape, values: inputValues(spec, i) }));
  const made = jaxCall(call, inputs);
  if (made === undefined) return { missing: "no such function" };
  const once = async () => {
    const results = made.run();
    await blockUntilReady(results);
    return results;
  };
  const results = await once();
  const shapes = results.map(({ shape }) => shape);
  const values = await Promise.all(results.map((result) => result.data() as Promise<Float32Array>));
  const floats = [...inputs, ...values.map((values) => ({ values }))];
  return {
    run: undefined,
    step: async () => {
      for (const result of await once()) result.dispose();
    },
    checksum: checksum(values.map((values, i) => made.toTensorFlow(values, shapes[i]))),
    bytes: 4 * floats.reduce((total, { values }) => total + values.length, 0),
    verify: async () => {
      const [first, ...rest] = await once();
      for (const result of rest) result.dispose();
      if (!Number.isFinite(checksum([(await first.data()) as Float32Array]))) {
        throw new Error("the result is not finite");
      }
    },
    dispose: () => {
      made.dispose();
      return 0;
    },
  };
}
