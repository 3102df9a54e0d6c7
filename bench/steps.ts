import type { Case } from "./cases.ts";
import type { DcganShape } from "./rivals/contestant.ts";

/** The DCGAN of 32×32 pictures with 64 channels at 16×16. */
export const dcganShape = (batch: number): DcganShape => ({
  ...{ resolution: 32, latent: 100, widths: [256, 128, 64], batch },
});

export const stepSection = "Whole steps";

/** Whole training steps: both players' losses, gradients and Adam, a fresh batch of bytes each time. */
export const stepCases: readonly Case[] = [16, 64].map((batch) => ({
  name: `DCGAN 32×32 step, batch ${batch}`,
  section: stepSection,
  rivals: ["tfjs-wasm"],
  prepare: (contestant) => ({ step: contestant.dcgan(dcganShape(batch)) }),
}));
