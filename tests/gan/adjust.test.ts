import { beforeAll, describe, expect, it } from "vitest";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import type { GanSettings } from "../../src/gan/settings.ts";
import { adjusted, r1 } from "../../src/index.ts";
import { useBuild } from "../builds.ts";
import { batch, pictures, size, smoothCritic, smoothGenerator } from "./small-gan.ts";

beforeAll(useBuild);

const gan = (settings: Partial<GanSettings>): Gan =>
  createGan({
    ...{ generator: smoothGenerator(), discriminator: smoothCritic(), latent: 5, resolution: size, batch },
    ...settings,
  });

/** Steps on the same pictures, one after the other. */
async function play(of: Gan, steps: number): Promise<Gan> {
  for (let i = 0; i < steps; i++) {
    await of.step({ image: pictures(`adjust ${of.stepsDone}`), cursor: of.cursor + batch });
  }
  return of;
}

/** All arrays of a state, name by name. */
const arrays = async (of: Gan) =>
  Object.fromEntries(Object.entries((await of.state()).tensors).map(([name, { data }]) => [name, [...data]]));

describe("an adjusted state", () => {
  it("goes on as a run of the adjusted settings does, also where steps were captured before", async () => {
    const adjustable = await play(gan({ learningRate: 4e-3, regularizers: [r1(8)] }), 4);
    const start = await adjustable.state();
    adjustable.restore(
      adjusted(start, { learningRate: { generator: 0.25, discriminator: 0.5 }, penalty: 0.5 }),
    );
    await play(adjustable, 3);
    expect(adjustable.stepStatus).toBe("captured");
    const other = gan({
      learningRate: { generator: 1e-3, discriminator: 2e-3 },
      regularizers: [r1(4)],
    });
    other.restore(start);
    await play(other, 3);
    expect(await arrays(adjustable)).toEqual(await arrays(other));
    for (const of of [adjustable, other]) of.dispose();
  });

  it("multiplies what was adjusted before, is reported, and travels with later states", async () => {
    const of = gan({});
    of.restore(adjusted(await of.state(), { learningRate: 0.5 }));
    of.restore(adjusted(await of.state(), { learningRate: { generator: 0.5 } }));
    const expected = { "adjusted.learningRate.generator": 0.25, "adjusted.learningRate.discriminator": 0.5 };
    expect(of.controls).toEqual(expected);
    const other = gan({});
    const before = await other.state();
    other.restore(await of.state());
    expect(other.controls).toEqual(expected);
    other.restore(before);
    expect(other.controls).toEqual({});
    for (const one of [of, other]) one.dispose();
  });

  it("refuses factors that are none", async () => {
    const of = gan({});
    const state = await of.state();
    expect(() => adjusted(state, { learningRate: -1 })).toThrow(
      "adjusted: expected a factor of at least 0 for learningRate.generator, got -1",
    );
    expect(() => adjusted(state, { penalty: Number.NaN })).toThrow(RangeError);
    of.dispose();
  });
});
