import type { Gan } from "../../src/gan/gan.ts";
import type { TrainingState } from "../../src/gan/state.ts";
import type { TurnReport } from "../../src/gan/step.ts";
import { random } from "../ops/check.ts";

type Player = "generator" | "discriminator";

/**
 * Derivative of a player's loss along a random direction: by its gradient, and by differences of the loss. The GAN's rate
 * is 0 and its beta1 too, so that Adam's first moment is the last gradient.
 * @param step makes one on the pictures of a name
 * @param options `h`, twice the most by which a parameter moves in the smallest difference; `along`, names the direction
 */
export async function derivatives(
  gan: Gan,
  player: Player,
  step: (gan: Gan, name?: string) => Promise<Record<string, TurnReport>>,
  { h = 0.02, along = "direction" }: { readonly h?: number; readonly along?: string } = {},
): Promise<{ readonly slope: number; readonly difference: number }> {
  // LeCam's running means are not zero any more.
  await step(gan, "before");
  const start = await gan.state();
  const next = random(along);
  const direction: Record<string, Float32Array> = {};
  for (const [name, { data }] of Object.entries(start.tensors)) {
    if (name.startsWith(`${player}/`)) direction[name] = Float32Array.from(data, () => next() - 0.5);
  }
  const lossAt = async (by: number): Promise<number> => {
    const tensors = { ...start.tensors };
    for (const [name, way] of Object.entries(direction)) {
      const { data, ...rest } = start.tensors[name];
      tensors[name] = { ...rest, data: Float32Array.from(data, (value, i) => value + by * way[i]) };
    }
    gan.restore({ ...start, tensors } as TrainingState);
    return (await step(gan))[player].loss;
  };
  await lossAt(0);
  const { tensors } = await gan.state();
  let slope = 0;
  for (const [name, way] of Object.entries(direction)) {
    const { data } = tensors[name.replace("/", ".adam-first/")];
    for (let i = 0; i < way.length; i++) slope += data[i] * way[i];
  }
  const differenceOver = async (by: number) => ((await lossAt(by)) - (await lossAt(-by))) / (2 * by);
  // What is left of the third derivative is the same part of each (Richardson 1911).
  const difference = (4 * (await differenceOver(h)) - (await differenceOver(2 * h))) / 3;
  return { slope, difference };
}
