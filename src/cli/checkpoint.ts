import { stat } from "node:fs/promises";
import { createGan, type Gan, recipeOf } from "../index.ts";
import { latestCheckpoint, readCheckpoint } from "../io/node.ts";
import { UsageError } from "./flags.ts";

/**
 * The latest checkpoint of a folder, or the file that is named.
 * @param path as `--run` has it
 */
export async function checkpointAt(path: string | undefined): Promise<string> {
  if (path === undefined) {
    throw new UsageError("--run: expected a folder that `ganvil train` wrote, or a checkpoint of one.");
  }
  const found = await stat(path).catch(() => undefined);
  const checkpoint = found?.isDirectory() ? await latestCheckpoint(path) : found && path;
  if (checkpoint !== undefined) return checkpoint;
  throw new UsageError(
    found === undefined ? `--run: there is no ${path}` : `--run: there is no checkpoint in ${path}`,
  );
}

/** The GAN of a checkpoint, by what the checkpoint says of it. */
export async function trained(checkpoint: string): Promise<Gan> {
  const state = await readCheckpoint(checkpoint);
  const gan = createGan(recipeOf(state.metadata));
  gan.restore(state);
  return gan;
}
