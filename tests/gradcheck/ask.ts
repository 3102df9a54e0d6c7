import { fork } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "../../bench/bundle.ts";
import type { Outcomes } from "./answers.ts";

const root = new URL("../..", import.meta.url).pathname;

export type ContestantName = "ganvil" | "tfjs-cpu" | "tfjs-wasm" | "float64";

/**
 * Has a contestant examine all networks in a process of its own, since each needs its own copy of
 * TensorFlow.js and its gradients. "float64" is the reference: TensorFlow.js's plain JavaScript kernels
 * compiled with Float64Array in the place of Float32Array, and central differences of what they compute.
 * @throws Error when its process fails.
 */
export async function ask(name: ContestantName): Promise<Outcomes> {
  const cache = join(root, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "gradcheck-"));
  try {
    const file = join(folder, `${name}.cjs`);
    const define: Record<string, string> = name === "float64" ? { Float32Array: "Float64Array" } : {};
    await bundle(join(root, "tests/gradcheck/contestants", `${name}.ts`), file, define);
    const child = fork(file, {
      cwd: root,
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    return await new Promise<Outcomes>((resolve, reject) => {
      child.on("message", (answer: { outcomes: Outcomes } | { failed: string }) => {
        if ("failed" in answer) reject(new Error(`${name}: ${answer.failed}`));
        else resolve(answer.outcomes);
      });
      child.on("exit", (code, signal) =>
        reject(new Error(`${name}: the process ended (${signal ?? `exit code ${code}`})`)),
      );
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
