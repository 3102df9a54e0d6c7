import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const root = new URL("../..", import.meta.url).pathname;

/** What `npm pack` says of the package. */
export interface Tarball {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** A project of its own, outside the repository, with the packed package and its peer installed. */
export interface Consumer {
  readonly folder: string;
  readonly tarball: Tarball;
  /** Runs a command in the project; gives what it prints, and fails as it fails. */
  run(command: string, ...args: string[]): Promise<string>;
  /** Runs the script of one of the repository's own tools with Node. */
  tool(script: string, ...args: string[]): Promise<string>;
  write(file: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

async function runIn(cwd: string, command: string, args: readonly string[]): Promise<string> {
  // Of the test runner's environment, NODE_ENV and NODE_OPTIONS would change what a user would see.
  const { NODE_ENV: _, NODE_OPTIONS: __, ...env } = process.env;
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env, maxBuffer: 64 << 20 });
    return stdout.trim();
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause });
  }
}

/** Packs the built package and installs it in a new project, as the README says. */
export async function makeConsumer(): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), "ganvil-consumer-"));
  const run = (command: string, ...args: string[]) => runIn(folder, command, args);
  const packed = await runIn(root, "npm", [
    "pack",
    "--json",
    "--ignore-scripts",
    "--pack-destination",
    folder,
  ]);
  const [tarball] = JSON.parse(packed) as Tarball[];
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run(
    "npm",
    ...["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"],
    ...[`./${tarball.filename}`, "@tensorflow/tfjs-core@4", "@tensorflow/tfjs-backend-cpu@4", "sharp"],
  );
  return {
    folder,
    tarball,
    run,
    tool: (script, ...args) => run(process.execPath, join(root, "node_modules", script), ...args),
    write: async (file, text) => {
      await mkdir(join(folder, file, ".."), { recursive: true });
      await writeFile(join(folder, file), text);
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
