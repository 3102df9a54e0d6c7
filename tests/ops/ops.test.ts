import { beforeAll, describe, it } from "vitest";
import { useBuild } from "../builds.ts";
import type { OpCase } from "./case.ts";
import { checkForward, checkGradient, checkNoLeak, checkSecondGradient } from "./check.ts";

const files = import.meta.glob<{ cases: readonly OpCase[] }>("./*.cases.ts", { eager: true });

beforeAll(useBuild);

for (const [path, { cases }] of Object.entries(files)) {
  describe(path.replace(/^\.\/|\.cases\.ts$/g, ""), () => {
    for (const op of cases) {
      it(`${op.name} equals the float64 reference`, () => checkNoLeak(() => checkForward(op)));
      const differentiable = op.gradient ?? op.inputs.filter(({ dtype = "float32" }) => dtype === "float32");
      if (differentiable.length === 0) continue;
      it(`${op.name} has the reference's first derivative`, () => checkNoLeak(() => checkGradient(op)));
      it(`${op.name} has the reference's second derivative`, () =>
        checkNoLeak(() => checkSecondGradient(op)));
    }
  });
}
