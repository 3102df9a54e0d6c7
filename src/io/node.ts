/** Checkpoints in a folder of the file system. */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CheckpointError, check, GanvilError } from "../errors.ts";
import type { TrainingState } from "../gan/state.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const CHECKPOINT = /^checkpoint-(\d{8,})\.safetensors$/;

/**
 * Writes a file so that at any moment, a power cut included, `path` holds all of the old bytes or all of the
 * new: into a temporary file of the same folder, to the disk, then renamed.
 *
 * @throws GanvilError `write-failed` naming the file; the temporary is gone.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const target = resolve(path);
  // One name a file: what a kill leaves behind is overwritten by the next write, never gathered.
  const temporary = join(dirname(target), `.${basename(target)}.tmp`);
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new GanvilError("write-failed", `${path}: could not be written: ${reason(cause)}`, { cause });
  }
}

/**
 * Saves a state as `folder/checkpoint-00001234.safetensors` and then removes the oldest checkpoints of lower
 * steps, so that `keep` remain (3 by default). The folder is made where it is missing.
 *
 * Checkpoints of higher steps, left by another run, are not touched, and `latestCheckpoint` goes on to name
 * them: give each run its own folder.
 *
 * @returns the path of the file.
 * @throws GanvilError `write-failed`; nothing has been removed then.
 */
export async function writeCheckpoint(
  folder: string,
  state: TrainingState,
  { step, keep = 3 }: { readonly step: number; readonly keep?: number },
): Promise<string> {
  check(Number.isSafeInteger(step) && step >= 0, () => `writeCheckpoint: step ${step} is not a step`);
  check(Number.isInteger(keep) && keep >= 1, () => `writeCheckpoint: keep ${keep}, at least 1 needed`);
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new GanvilError("write-failed", `${folder}: could not be made: ${reason(cause)}`, { cause });
  }
  const path = join(folder, `checkpoint-${String(step).padStart(8, "0")}.safetensors`);
  await writeFileAtomic(path, encodeSafetensors(state));
  const upToNow = (await checkpointsIn(folder)).filter((checkpoint) => checkpoint.step <= step);
  for (const { name } of upToNow.slice(0, -keep)) await rm(join(folder, name), { force: true });
  return path;
}

/** The path of the checkpoint with the highest step; `undefined` where there is none, or no folder. */
export async function latestCheckpoint(folder: string): Promise<string | undefined> {
  const latest = (await checkpointsIn(folder)).at(-1);
  return latest && join(folder, latest.name);
}

/**
 * The state in a checkpoint file.
 *
 * @throws CheckpointError `checkpoint-missing`, or as `decodeSafetensors`; the message starts with the path.
 */
export async function readCheckpoint(path: string): Promise<TrainingState> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new CheckpointError("checkpoint-missing", `${path}: could not be read: ${reason(cause)}`, {
      cause,
    });
  }
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new CheckpointError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}

/** The checkpoints of a folder, lowest step first. */
async function checkpointsIn(folder: string): Promise<{ name: string; step: number }[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return [];
    throw new CheckpointError("checkpoint-missing", `${folder}: could not be read: ${reason(cause)}`, {
      cause,
    });
  }
  return names
    .flatMap((name) => {
      const digits = CHECKPOINT.exec(name)?.[1];
      return digits === undefined ? [] : [{ name, step: Number(digits) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** Makes a rename last through a power cut, on systems where folders can be opened (not Windows). */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    if (!["EISDIR", "EPERM", "EACCES", "EINVAL"].includes(errorCode(cause) ?? "")) throw cause;
  }
}

function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
