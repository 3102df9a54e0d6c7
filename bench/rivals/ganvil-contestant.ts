import type { Tensor, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import { backendName, currentBackend } from "../../src/backend/backend.ts";
import { settled } from "../../src/backend/compile.ts";
import { measuredSpeeds } from "../../src/calibrate.ts";
import { init } from "../../src/init.ts";
import { batchNormTrain } from "../../src/ops/batch-norm-train.ts";
import { ops } from "../../src/ops/index.ts";
import { Adam } from "../../src/optim/adam.ts";
import type { Contestant, Introduction } from "./contestant.ts";
import { ganvilStep } from "./ganvil-steps.ts";
import { measuredGpuPeak } from "./gpu-peak.ts";
import { measuredPeak } from "./peak.ts";
import { tfjsContestant } from "./tfjs-contestant.ts";
import { offerWebGpu } from "./web-gpu.ts";

/** ganvil on Wasm, or with its own shaders on the GPU. */
export function ganvilContestant(device: "wasm" | "webgpu"): Contestant {
  return tfjsContestant({
    backend: backendName,
    start: async ({ build, threads = 1 }): Promise<Introduction> => {
      if (device === "webgpu") await offerWebGpu();
      const backend = await init({ device, build, threads });
      const { module, planner, gpu } = backend;
      const wasm = `build ${module.build}, ${backend.threads === 1 ? "one thread" : `${backend.threads} threads`}`;
      if (gpu === undefined) {
        const catalogue = [planner.buildInfo(), ...planner.catalogue()];
        return { says: wasm, catalogue, peak: measuredPeak(module.kernels) };
      }
      const { software, name: adapter } = gpu;
      const peak = await measuredGpuPeak(gpu.device, software);
      // A software GPU is never chosen, and would take a minute.
      const placement = software ? undefined : await measuredSpeeds(backend, gpu);
      return {
        says: `WebGPU, own shaders, ${adapter}; ${wasm}`,
        gpu: { adapter, software, peak, placement },
      };
    },
    batchNorm: (x: Tensor4D, scale: Tensor, offset: Tensor) => batchNormTrain(x, scale, offset).y,
    adam: (parameter: Variable) => {
      const optimizer = new Adam({ parameter }, { beta1: 0.5, beta2: 0.99 });
      return {
        step: (gradient: Tensor) => optimizer.apply({ parameter: gradient }, 1e-3),
        dispose: () => optimizer.dispose(),
      };
    },
    groups: true,
    step: ganvilStep,
    ...(device === "webgpu" && {
      gpu: {
        finish: async () => {
          await settled();
          await currentBackend().gpu!.device.queue.onSubmittedWorkDone();
        },
        elsewhere: () =>
          new Map(
            currentBackend()
              .explain()
              .map(({ op, calls }) => [op, calls.wasm]),
          ),
      },
    }),
    flops: (kernel, inputs, attrs) =>
      ops.find(({ name }) => name === kernel)?.flops?.(inputs as never, attrs),
  });
}
