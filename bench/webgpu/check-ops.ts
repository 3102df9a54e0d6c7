import { writeFile } from "node:fs/promises";
import { init } from "../../src/init.ts";
import type { OpCase } from "../../tests/ops/case.ts";
import { checkForward, checkGradient, checkNoLeak, checkSecondGradient } from "../../tests/ops/check.ts";
import { offerWebGpu } from "../rivals/web-gpu.ts";

const checks = {
  "equals the float64 reference": checkForward,
  "has the reference's first derivative": checkGradient,
  "has the reference's second derivative": checkSecondGradient,
};

/** What came of a run of the ops' cases on the GPU. */
export interface Checked {
  readonly adapter: string;
  readonly passed: number;
  /** Not run for want of time. */
  readonly left: number;
  readonly failed: readonly { readonly check: string; readonly error: string }[];
  /** Ops that were computed on Wasm in some case, and why at the last. */
  readonly onWasm: Readonly<Record<string, string>>;
}

const differentiable = ({ inputs, gradient }: OpCase): boolean =>
  (gradient ?? inputs.filter(({ dtype = "float32" }) => dtype === "float32")).length > 0;

/**
 * Runs the ops' cases on the GPU without a test runner, for machines that have none.
 * @param groups cases by their file's name
 * @param file where the result is written
 * @param seconds to stop after
 */
export async function checkOps(
  groups: Readonly<Record<string, readonly OpCase[]>>,
  file: string,
  seconds: number,
): Promise<Checked> {
  await offerWebGpu();
  let backend = await init({ device: "webgpu" });
  const end = performance.now() + 1000 * seconds;
  const failed: { check: string; error: string }[] = [];
  let [passed, left] = [0, 0];
  // Every op first, then the derivatives: a run that is cut short has seen all of them.
  for (const [level, [name, check]] of Object.entries(checks).entries()) {
    for (const [group, cases] of Object.entries(groups)) {
      for (const op of cases) {
        if (level > 0 && !differentiable(op)) continue;
        if (performance.now() > end) {
          left++;
          continue;
        }
        try {
          await checkNoLeak(async () => check(op));
          passed++;
        } catch (error) {
          const { message } = error as Error;
          failed.push({ check: `${group}: ${op.name} ${name}`, error: message.slice(0, 2000) });
          console.log(`FAILED ${group}: ${op.name} ${name}\n  ${message.slice(0, 500)}`);
          // After a failure of the device another one takes its place.
          backend = await init({ device: "webgpu" });
        }
      }
    }
    console.log(`${name}: ${passed} passed, ${failed.length} failed, ${left} left out so far`);
  }
  const elsewhere = backend.explain().filter(({ calls }) => calls.wasm > 0);
  const checked: Checked = {
    adapter: backend.gpu?.name ?? "none",
    ...{ passed, left, failed },
    onWasm: Object.fromEntries(elsewhere.map(({ op, reason }) => [op, reason])),
  };
  await writeFile(file, `${JSON.stringify(checked, null, 2)}\n`);
  return checked;
}
