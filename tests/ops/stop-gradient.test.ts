import { add, grad, memory, mul, square, sum, type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { detached } from "../../src/ops/stop-gradient.ts";
import { useBuild } from "../builds.ts";

beforeAll(useBuild);

it("detached gives a constant, and keeps nothing of what lies between for the gradient", async () => {
  const x = tensor([1, -2, 3]);
  let kept = 0;
  const f = (y: Tensor): Tensor => {
    const before = memory().numTensors;
    const constant = detached(() => tidy(() => square(mul(y, 2))));
    kept = memory().numTensors - before;
    return sum(mul(add(y, 1), constant));
  };
  const dx = grad(f)(x);
  expect([...(await dx.data())]).toEqual([4, 16, 36]);
  expect(kept).toBe(1);
  dx.dispose();
  x.dispose();
});
