import type { DcganShape, StepShape } from "./calls.ts";
import type { Case } from "./cases.ts";
import type { ContestantName } from "./rivals/contestant.ts";

export const stepSection = "Whole steps";

/** With 64 channels at half the resolution. */
const dcgan = (resolution: 32 | 64, batch: number): DcganShape => ({
  network: "dcgan",
  ...{ batch, resolution, latent: 100 },
  widths: resolution === 32 ? [256, 128, 64] : [512, 256, 128, 64],
});

const step = (name: string, shape: StepShape, rivals: readonly ContestantName[]): Case => ({
  name: `${name} step, batch ${shape.batch}`,
  section: stepSection,
  call: { op: "step", shape },
  inputs: [],
  rivals: [...rivals, "pytorch", "pytorch-avx2"],
});

/** Whole training steps: both players' losses, gradients and Adam, a fresh batch of bytes each time. */
export const stepCases: readonly Case[] = [
  step("MLP GAN 28×28", { network: "mlp", batch: 16, latent: 64, hidden: [256, 256], pixels: 784 }, [
    "tfjs-wasm",
    "onnxruntime-web",
    "jax-js",
  ]),
  step("DCGAN 32×32", dcgan(32, 16), ["tfjs-wasm", "tfjs-wasm-patched"]),
  step("DCGAN 32×32", dcgan(32, 64), ["tfjs-wasm-patched"]),
  step("DCGAN 64×64", dcgan(64, 16), ["tfjs-wasm-patched"]),
  step(
    "R3GAN-style 32×32",
    { network: "residual", batch: 16, latent: 64, widths: [128, 128, 64], groupWidth: 16, gamma: 0.5 },
    ["tfjs-wasm"],
  ),
];
