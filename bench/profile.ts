import {
  getKernelsForBackend,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { median } from "./measure.ts";
import type { KernelTime, Profile } from "./protocol.ts";
import type { Contestant, DcganShape } from "./rivals/contestant.ts";

/** Times a training step, then again with a clock around every kernel of the backend. */
export async function profileStep(
  contestant: Contestant,
  shape: DcganShape,
  steps: number,
): Promise<Profile> {
  const step = contestant.dcgan(shape);
  const seconds: number[] = [];
  try {
    await step.run();
    for (let i = 0; i < steps; i++) {
      const start = performance.now();
      await step.run();
      seconds.push((performance.now() - start) / 1000);
    }
    const { times, stop } = clockKernels(contestant.backend);
    try {
      for (let i = 0; i < steps; i++) await step.run();
    } finally {
      stop();
    }
    const kernels = [...times.values()].map(
      ({ kernel, shapes, calls, ms }): KernelTime => ({
        ...{ kernel, shapes, callsPerStep: calls / steps, msPerStep: ms / steps },
      }),
    );
    return {
      secondsPerStep: median(seconds),
      bestSeconds: Math.min(...seconds),
      kernels: kernels.sort((a, b) => b.msPerStep - a.msPerStep),
    };
  } finally {
    step.dispose();
  }
}

interface Clocked {
  readonly kernel: string;
  readonly shapes: string;
  calls: number;
  ms: number;
}

/** Puts a clock around every kernel of a backend, by name and shapes of the inputs, until stopped. */
function clockKernels(backendName: string): { times: Map<string, Clocked>; stop(): void } {
  const times = new Map<string, Clocked>();
  const configs = getKernelsForBackend(backendName);
  const replace = (config: (typeof configs)[number]) => {
    unregisterKernel(config.kernelName, backendName);
    registerKernel(config);
  };
  for (const config of configs) {
    replace({
      ...config,
      kernelFunc: (call) => {
        const start = performance.now();
        const outputs = config.kernelFunc(call);
        const ms = performance.now() - start;
        const inputs = Object.values(call.inputs).flat() as (TensorInfo | undefined)[];
        const shapes = inputs.map((input) => `[${input?.shape ?? ""}]`).join(" ");
        const key = `${config.kernelName} ${shapes}`;
        const entry = times.get(key) ?? { kernel: config.kernelName, shapes, calls: 0, ms: 0 };
        entry.calls++;
        entry.ms += ms;
        times.set(key, entry);
        return outputs;
      },
    });
  }
  return { times, stop: () => configs.forEach(replace) };
}
