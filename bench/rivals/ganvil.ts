import type { Tensor, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import { backendName, currentBackend } from "../../src/backend/backend.ts";
import { type InitOptions, init } from "../../src/init.ts";
import { batchNormTrain } from "../../src/ops/batch-norm-train.ts";
import { ops } from "../../src/ops/index.ts";
import { Adam } from "../../src/optim/adam.ts";
import { ganvilStep } from "./ganvil-steps.ts";
import { measuredPeak } from "./peak.ts";
import { serve } from "./serve.ts";
import { tfjsContestant } from "./tfjs-contestant.ts";

serve(
  tfjsContestant({
    backend: backendName,
    start: async ({ build, threads = 1 }) => {
      const backend = await init({ build, threads } as InitOptions);
      const { module } = backend;
      const used = (backend as { threads?: number }).threads ?? 1;
      const { planner } = currentBackend();
      return {
        says: `build ${module.build}, ${used === 1 ? "one thread" : `${used} threads`}`,
        catalogue: [planner.buildInfo(), ...planner.catalogue()],
        peak: measuredPeak(module.kernels),
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
    flops: (kernel, inputs, attrs) =>
      ops.find(({ name }) => name === kernel)?.flops?.(inputs as never, attrs),
  }),
);
