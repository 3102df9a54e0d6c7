import { type ChildProcess, spawn } from "node:child_process";

const root = new URL("../..", import.meta.url).pathname;

/** A command that was started. */
export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; text: string }>;
}

/** Runs a program of the repository by Node. */
export function startNode(...args: readonly string[]): Run {
  const child = spawn(process.execPath, args, { cwd: root });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      text += chunk;
    });
  }
  return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, text }))) };
}

/** Starts `ganvil` on the package already built. */
export const start = (...args: readonly string[]): Run => startNode("dist/cli/ganvil.js", ...args);
