import { beforeAll, describe, expect, it } from "vitest";
import { createGan } from "../../src/gan/gan.ts";
import { r1, r2 } from "../../src/gan/regularizers.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { r3gan } from "../../src/recipes/r3gan.ts";
import { sngan } from "../../src/recipes/sngan.ts";
import { wganGp } from "../../src/recipes/wgan-gp.ts";
import { useBuild } from "../builds.ts";
import { derivatives } from "../gan/derivatives.ts";
import { random } from "../ops/check.ts";
import { step } from "./step.ts";

beforeAll(useBuild);

const [classes, batch] = [3, 2];
const common = { classes, batch, latent: 5, channels: 1 } as const;
const widths = [6, 5, 4];

const recipes: Readonly<Record<string, () => GanSettings>> = {
  r3gan: () => r3gan({ ...common, widths: [16, 16, 16] }),
  dcgan: () => dcgan({ ...common, widths, augment: false }),
  sngan: () => sngan({ ...common, widths }),
  wganGp: () => wganGp({ ...common, widths }),
};

/**
 * The state with what starts at zero, so that all behind it has a gradient, and with biases of the discriminator that keep
 * leaky ReLUs on one side. Where they change sides a penalty on slopes jumps, and differences say nothing.
 */
function farFromBends({ tensors, metadata }: TrainingState): TrainingState {
  const next = random("bends");
  let size = 3 / 1.4;
  const changed = Object.entries(tensors).map(([name, tensor]) => {
    const filled = (value: () => number) => ({ ...tensor, data: Float32Array.from(tensor.data, value) });
    if (/^discriminator\/(?!logit).*\.(bias|offset)$/.test(name)) {
      // Deeper ones are further away: what comes to them is larger by the biases before.
      size *= 1.4;
      return [name, filled(() => (next() < 0.5 ? -size : size))];
    }
    const isZero = /^(generator|discriminator)\/.*\.3\.weight$|^discriminator\/.*embedding$/.test(name);
    return [name, isZero ? filled(() => 0.1 * (next() - 0.5)) : tensor];
  });
  return { tensors: Object.fromEntries(changed), metadata };
}

for (const [name, recipe] of Object.entries(recipes)) {
  describe(`${name} with R1, R2 and classes has the gradient of its loss's differences`, () => {
    it.each(["discriminator", "generator"] as const)("by the parameters of the %s", async (player) => {
      const settings = recipe();
      const own = (settings.regularizers ?? []).filter((regularizer) => !/^r[12]$/.test(regularizer.name));
      const gan = createGan({
        ...{ ...settings, regularizers: [...own, r1(2), r2(2)] },
        ...{ learningRate: 0, beta1: 0, capture: false, discriminatorSteps: 1 },
      });
      // The singular vectors of a spectral norm count as constants, which is right once they are found.
      if (name === "sngan") for (let i = 0; i < 20; i++) await step(gan);
      gan.restore(farFromBends(await gan.state()));
      const { slope, difference } = await derivatives(gan, player, step, { h: 1e-3, along: "uphill" });
      // The discriminator is far into its logistic loss, or bounded: little of its slope reaches the generator.
      const rounding = 1e-3;
      expect(slope).toBeGreaterThan(5 * rounding);
      expect(Math.abs(slope - difference)).toBeLessThan(0.01 * slope + rounding);
      gan.dispose();
    });
  });
}
