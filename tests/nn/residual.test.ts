import { grad, sum, type Tensor, tensor } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { inferenceMode } from "../../src/nn/network.ts";
import { leakyTanh } from "../../src/nn/residual.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

it("leakyTanh keeps a slope where tanh is level", async () => {
  const x = tensor([-30, 0, 0.5]);
  const apply = (t: Tensor) => leakyTanh(t, inferenceMode());
  const values = await apply(x).data();
  const slopes = await grad((t: Tensor) => sum(apply(t)))(x).data();
  for (const [i, at] of [-30, 0, 0.5].entries()) {
    expect(values[i]).toBeCloseTo(Math.tanh(at) + at / 200, 6);
    expect(slopes[i]).toBeCloseTo(1 - Math.tanh(at) ** 2 + 1 / 200, 6);
  }
});
