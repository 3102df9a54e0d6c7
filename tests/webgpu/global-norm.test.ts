import { dispose, tensor } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import { globalNorm } from "../../src/ops/global-norm.ts";
import { useBuild } from "../builds.ts";
import { checkNoLeak, random } from "../ops/check.ts";

beforeAll(useBuild);

it("takes seven tensors in a dispatch for the norm of all", () =>
  checkNoLeak(async () => {
    const next = random("global norm");
    const sizes = [1, 3, 1024, 0, 1025, 5000, 2, 17, 300, 40_001];
    const values = sizes.map((size) => Float32Array.from({ length: size }, () => 2 * next() - 1));
    const tensors = values.map((data) => tensor(data));
    const { traffic } = currentBackend().gpu!.queue;
    const before = traffic.dispatches;
    const norm = globalNorm(tensors);
    // Two of sums over blocks, two more for their sum, the root.
    expect(traffic.dispatches - before).toBeLessThanOrEqual(5);
    const expected = Math.hypot(...values.map((data) => Math.hypot(...data)));
    expect(Math.abs((await norm.data())[0] / expected - 1)).toBeLessThan(1e-6);
    const infinite = tensor([1e30, 1]);
    const norms = [globalNorm([infinite]), globalNorm([]), globalNorm([tensors[3]])];
    const [large, none, empty] = await Promise.all(norms.map((x) => x.data()));
    expect([large[0], none[0], empty[0]]).toEqual([Number.POSITIVE_INFINITY, 0, 0]);
    dispose([...tensors, norm, infinite, ...norms]);
  }));
