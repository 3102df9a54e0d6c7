import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { createGan } from "../../src/gan/gan.ts";
import { randomNormal } from "../../src/ops/random.ts";
import { deriveKey } from "../../src/random.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { useBuild } from "../builds.ts";
import { expectClose, random } from "../ops/check.ts";
import * as reference from "../reference/autodiff.ts";

beforeAll(useBuild);

type Vars = Record<string, reference.Var>;

async function read(variables: Readonly<Record<string, Variable>>): Promise<Vars> {
  const entries = Object.entries(variables).map(
    async ([name, variable]) => [name, new reference.Var(variable.shape, await variable.data())] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

const widths = [6, 5, 4];
const batch = 3;
const latent = 7;

/** The DCGAN generator, in float64. */
function generator(v: Vars, z: reference.Var): reference.Var {
  const { batchNorm, convUp, relu } = reference;
  const norm = (x: reference.Var, name: string) => batchNorm(x, v[`${name}.scale`], v[`${name}.offset`], 1);
  const start = reference.reshape(reference.matMul(z, v["4.weight"]), [batch, 4, 4, widths[0]]);
  let x = relu(norm(start, "4.norm"));
  x = relu(norm(convUp(x, v["8.weight"]), "8.norm"));
  x = relu(norm(convUp(x, v["16.weight"]), "16.norm"));
  return reference.tanh(reference.addBias(convUp(x, v["32.weight"]), v["32.bias"]));
}

/** The DCGAN discriminator, in float64. */
function discriminator(v: Vars, x: reference.Var, parts: number): reference.Var {
  const { batchNorm, convDown, leakyRelu } = reference;
  const norm = (y: reference.Var, name: string) =>
    batchNorm(y, v[`${name}.scale`], v[`${name}.offset`], parts);
  let y = leakyRelu(reference.addBias(convDown(x, v["16.weight"]), v["16.bias"]), 0.2);
  y = leakyRelu(norm(convDown(y, v["8.weight"]), "8.norm"), 0.2);
  y = leakyRelu(norm(convDown(y, v["4.weight"]), "4.norm"), 0.2);
  const features = reference.reshape(y, [batch * parts, 16 * widths[0]]);
  return reference.addBias(reference.matMul(features, v["logit.weight"]), v["logit.bias"]);
}

it("one DCGAN step has the losses, gradients and updated weights of the float64 reference", async () => {
  const seed = 5;
  const gan = createGan(dcgan({ resolution: 32, widths, latent, batch, seed, augment: false }));
  const next = random("pictures");
  const data = Uint8Array.from({ length: batch * 32 * 32 * 3 }, () => Math.floor(next() * 256));
  const z = async (turn: number): Promise<reference.Var> => {
    const noise: Tensor = randomNormal([batch, latent], { key: deriveKey(seed, "step", 0, turn, "z") });
    const values = await noise.data();
    noise.dispose();
    return new reference.Var([batch, latent], values);
  };
  const { players } = gan.game;
  const beforeG = await read(players.generator.network.parameters);
  const beforeD = await read(players.discriminator.network.parameters);

  const reports = await gan.step({ image: { data, shape: [batch, 32, 32, 3] }, cursor: batch });

  const real = new reference.Var(
    [batch, 32, 32, 3],
    Float64Array.from(data, (byte) => byte / 127.5 - 1),
  );
  const logits = discriminator(beforeD, reference.concat(real, generator(beforeG, await z(0))), 2);
  const [onReal, onFake] = [reference.rows(logits, 0, batch), reference.rows(logits, batch, 2 * batch)];
  const lossD = reference.add(
    reference.mean(reference.softplus(reference.negate(onReal))),
    reference.mean(reference.softplus(onFake)),
  );
  lossD.backward();
  // The generator's turn meets the discriminator as its own turn left it.
  const afterD = await read(players.discriminator.network.parameters);
  const freshG = await read(players.generator.network.parameters);
  for (const name of Object.keys(beforeG))
    freshG[name] = new reference.Var(beforeG[name].shape, beforeG[name].value);
  const fake = discriminator(afterD, generator(freshG, await z(1)), 1);
  const lossG = reference.mean(reference.softplus(reference.negate(fake)));
  lossG.backward();

  expectClose("discriminator loss", [reports.discriminator.loss], lossD.value, 1e-5);
  expectClose("generator loss", [reports.generator.loss], lossG.value, 1e-5);
  const state = await gan.state();
  for (const [player, vars] of Object.entries({ discriminator: beforeD, generator: freshG })) {
    const norm = Math.hypot(...Object.values(vars).flatMap(({ gradient }) => [...gradient]));
    const report = player === "generator" ? reports.generator : reports.discriminator;
    expectClose(`${player} gradient norm`, [report.gradientNorm], [norm], 1e-4);
    for (const [name, { value, gradient }] of Object.entries(vars)) {
      const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
      const saved = (group: string) => state.tensors[`${player}${group}/${name}`].data;
      // After one step Adam's first moment is (1 - β1)·g and its second (1 - β2)·g².
      expectClose(
        `${name}: gradient`,
        saved(".adam-first"),
        gradient.map((g) => g * 0.5),
        1e-4,
      );
      expectClose(
        `${name}: square`,
        saved(".adam-second"),
        gradient.map((g) => g * g * (1 - 0.99)),
        2e-4,
      );
      const updated = value.map((w, i) => w - (5e-4 * gradient[i]) / (Math.abs(gradient[i]) + 1e-8));
      const clear = [...value.keys()].filter((i) => Math.abs(gradient[i]) > 1e-3 * largest);
      expect(clear.length).toBeGreaterThan(0);
      const at = (values: ArrayLike<number>) => clear.map((i) => values[i]);
      expectClose(`${name}: weight`, at(saved("")), at(updated), 1e-5);
    }
  }
  gan.dispose();
});
