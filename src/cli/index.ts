/** The commands of `ganvil`. */
import { GanvilError } from "../errors.ts";
import { UsageError } from "./flags.ts";
import { measureCommand } from "./measure.ts";
import { sampleCommand } from "./sample.ts";
import { type Pictures, trainCommand } from "./train.ts";

export type { PictureRequest, Pictures } from "./train.ts";

const usage = `ganvil: trains GANs on pictures, draws with them, and judges them.

  ganvil train --data DIR     learns from a folder of pictures
  ganvil sample --run DIR     draws with what was trained
  ganvil measure --run DIR    says how good it is

  ganvil COMMAND --help       says what each can be asked for
`;

export interface RunOptions {
  /** What `train` learns from where no folder is given. Default: it asks for one. */
  readonly pictures?: Pictures;
}

/**
 * Runs a command as `ganvil` does, and writes to the console.
 * @param args after the program's name: `["train", "--data", "photos"]`
 * @returns the exit status: 0, or 1 with a sentence on the console for what the caller can mend
 * @throws Error for a fault of the program's own
 */
export async function run(
  [command, ...args]: readonly string[],
  { pictures }: RunOptions = {},
): Promise<number> {
  try {
    if (command === "train") await trainCommand(args, pictures);
    else if (command === "sample") await sampleCommand(args);
    else if (command === "measure") await measureCommand(args);
    else if (command === undefined || command === "--help" || command === "help") console.log(usage);
    else throw new UsageError(`ganvil: there is no command "${command}".\n\n${usage}`);
    return 0;
  } catch (error) {
    const stopped = error instanceof DOMException && error.name === "AbortError";
    const mendable = [UsageError, GanvilError, RangeError].some((kind) => error instanceof kind);
    if (!(stopped || mendable)) throw error;
    console.error(stopped ? "Stopped before training began." : (error as Error).message);
    return 1;
  }
}
