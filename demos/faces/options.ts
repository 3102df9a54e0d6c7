import { parseArgs } from "node:util";
import type { Device } from "ganvil";
import { devices } from "./device.ts";
import { type RecipeName, recipes, type Size, sizes } from "./recipes.ts";

/** What the command line asks for. */
export interface Options {
  /** Folder of photographs; undefined: drawn faces. */
  readonly data: string | undefined;
  readonly recipe: RecipeName;
  /** Undefined: the recipe's own. */
  readonly size: Size | undefined;
  readonly resolution: 32 | 64;
  readonly batch: number;
  readonly kimg: number;
  readonly seed: number;
  readonly device: Device;
  /** Undefined: as many as there are cores, at most 8. */
  readonly threads: number | undefined;
  readonly out: string;
  readonly resume: boolean;
}

export const usage = `Trains a GAN on faces and writes sample grids, a log and checkpoints.

  npm run demo:faces -- [options]

  --data DIR          folder of photographs (JPEG, PNG, WebP; any size); default: drawn faces
  --recipe R          dcgan (fast), r3gan, stylegan2 or fastgan; default dcgan
  --size S            of the networks: nano, small or full; default: the recipe's own
  --resolution 32|64  height and width in pixels; default 32
  --batch N           pictures a step; default 32
  --kimg N            length of training in thousands of pictures; default 48
  --seed N            whole number that decides every random choice; default 0
  --device D          where to compute: auto (each operation where it is fastest), wasm
                      (the processor) or webgpu (the GPU); default auto
  --threads N         threads to compute with; default: one a core, at most 8
  --out DIR           where the results go; default runs/faces
  --resume            go on from the latest checkpoint in --out, with the same options as before
  --help              this text
`;

/** A fault in how the command was called: shown without a stack. */
export class UsageError extends Error {}

function number(name: string, text: string, least: number, whole: boolean): number {
  const value = Number(text);
  if (
    text.trim() !== "" &&
    Number.isFinite(value) &&
    value >= least &&
    (!whole || Number.isSafeInteger(value))
  ) {
    return value;
  }
  const kind = whole ? "a whole number" : "a number";
  throw new UsageError(`--${name}: expected ${kind} of at least ${least}, got "${text}"`);
}

function choice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  if ((choices as readonly string[]).includes(text)) return text as T;
  const last = choices.length - 1;
  const wanted = `${choices.slice(0, last).join(", ")} or ${choices[last]}`;
  throw new UsageError(`--${name}: expected ${wanted}, got "${text}"`);
}

/**
 * Reads the command line; undefined when help was asked for.
 * @throws UsageError naming the flag, what was expected and what was found
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = (() => {
    try {
      return parseArgs({
        args: [...args],
        options: {
          data: { type: "string" },
          recipe: { type: "string", default: "dcgan" },
          size: { type: "string" },
          resolution: { type: "string", default: "32" },
          batch: { type: "string", default: "32" },
          kimg: { type: "string", default: "48" },
          seed: { type: "string", default: "0" },
          device: { type: "string", default: "auto" },
          threads: { type: "string" },
          out: { type: "string", default: "runs/faces" },
          resume: { type: "boolean", default: false },
          help: { type: "boolean", default: false },
        },
      });
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  })();
  if (values.help) return undefined;
  return {
    data: values.data,
    recipe: choice("recipe", values.recipe, recipes),
    size: values.size === undefined ? undefined : choice("size", values.size, sizes),
    resolution: Number(choice("resolution", values.resolution, ["32", "64"])) as 32 | 64,
    batch: number("batch", values.batch, 1, true),
    kimg: number("kimg", values.kimg, 0.001, false),
    seed: number("seed", values.seed, 0, true),
    device: choice("device", values.device, devices),
    threads: values.threads === undefined ? undefined : number("threads", values.threads, 1, true),
    out: values.out,
    resume: values.resume,
  };
}
