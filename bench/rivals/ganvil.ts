import type { Tensor, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import { backendName, currentBackend } from "../../src/backend/backend.ts";
import { createGan, dcgan, init } from "../../src/index.ts";
import { batchNormTrain } from "../../src/ops/batch-norm-train.ts";
import { ops } from "../../src/ops/index.ts";
import { Adam } from "../../src/optim/adam.ts";
import type { DcganShape, Step } from "./contestant.ts";
import { serve } from "./serve.ts";

function step(shape: DcganShape): Step {
  const gan = createGan(dcgan({ ...shape, augment: false }));
  const { batch, resolution } = shape;
  const data = new Uint8Array(batch * resolution * resolution * 3).map((_, i) => (i * 37) % 256);
  const image = { data, shape: [batch, resolution, resolution, 3] } as const;
  return {
    run: async () => Object.values(await gan.step({ image, cursor: 0 })).map(({ loss }) => loss),
    dispose: () => gan.dispose(),
  };
}

serve({
  name: "ganvil",
  backend: backendName,
  start: async (options) => {
    const { module, threads } = await init(options);
    return `build ${module.build}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
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
  dcgan: step,
  catalogue: () => {
    const { planner } = currentBackend();
    return [planner.buildInfo(), ...planner.catalogue()];
  },
  flops: (kernel, inputs, attrs) => ops.find(({ name }) => name === kernel)?.flops?.(inputs as never, attrs),
});
