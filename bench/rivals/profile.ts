import {
  getKernelsForBackend,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { median } from "../measure.ts";
import type { KernelTime, Profile } from "../protocol.ts";
import type { Step, TfjsBackend } from "./tfjs-contestant.ts";

/** Times a training step, then again with a clock around every kernel of the backend. */
export async function profileStep(backend: TfjsBackend, step: Step, steps: number): Promise<Profile> {
  const seconds: number[] = [];
  await step.run();
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await step.run();
    seconds.push((performance.now() - start) / 1000);
  }
  const clock = clockKernels(backend);
  try {
    for (let i = 0; i < steps; i++) {
      await step.run();
      clock.endStep();
    }
  } finally {
    clock.stop();
  }
  const kernels = [...clock.times.values()].map(
    ({ kernel, shapes, calls, msBySteps, flops }): KernelTime => ({
      ...{ kernel, shapes, callsPerStep: calls / steps, msPerStep: median(msBySteps), flops },
    }),
  );
  return {
    secondsPerStep: median(seconds),
    bestSeconds: Math.min(...seconds),
    kernels: kernels.sort((a, b) => b.msPerStep - a.msPerStep),
  };
}

interface Clocked {
  readonly kernel: string;
  readonly shapes: string;
  readonly flops?: number;
  calls: number;
  /** Of the step under way. */
  ms: number;
  readonly msBySteps: number[];
}

/** Puts a clock around every kernel of the backend, by name and shapes of the inputs, until stopped. */
function clockKernels({ backend, flops }: TfjsBackend) {
  const times = new Map<string, Clocked>();
  const configs = getKernelsForBackend(backend);
  const replace = (config: (typeof configs)[number]) => {
    unregisterKernel(config.kernelName, backend);
    registerKernel(config);
  };
  for (const config of configs) {
    replace({
      ...config,
      kernelFunc: (call) => {
        const start = performance.now();
        const outputs = config.kernelFunc(call);
        const ms = performance.now() - start;
        const { kernelName: kernel } = config;
        const inputs = Object.values(call.inputs).flat() as (TensorInfo | undefined)[];
        const shapes = inputs.map((input) => `[${input?.shape ?? ""}]`).join(" ");
        const key = `${kernel} ${shapes}`;
        let entry = times.get(key);
        if (entry === undefined) {
          const work = flops?.(kernel, call.inputs, call.attrs ?? {});
          entry = { kernel, shapes, flops: work, calls: 0, ms: 0, msBySteps: [] };
          times.set(key, entry);
        }
        entry.calls++;
        entry.ms += ms;
        return outputs;
      },
    });
  }
  return {
    times,
    endStep: () => {
      for (const entry of times.values()) {
        entry.msBySteps.push(entry.ms);
        entry.ms = 0;
      }
    },
    stop: () => configs.forEach(replace),
  };
}
