import { type ChildProcess, fork } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { versions } from "node:process";
import { pathToFileURL } from "node:url";
import type { Answer, Answers, Remote, Request } from "./protocol.ts";
import type { ContestantName, StartOptions } from "./rivals/contestant.ts";

const root = new URL("..", import.meta.url).pathname;

const resolved = createRequire(import.meta.url).resolve;

/** The program of a contestant in `bench/rivals`. */
const programOf = (name: ContestantName): string => (name === "ganvil-one-thread" ? "ganvil" : name);

/** Where a contestant's process comes from. */
export interface Origin {
  /** Folder with the contestants bundled already; default: they are bundled now. */
  readonly programs?: string;
  /** Environment of the process beyond that of this one. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Where the binaries of a library lie. */
function binariesOf(name: ContestantName): string | undefined {
  switch (name) {
    case "tfjs-wasm":
    case "tfjs-wasm-patched":
      return `${dirname(resolved("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"))}/`;
    case "onnxruntime-web":
      return `${pathToFileURL(dirname(resolved("onnxruntime-web/wasm")))}/`;
    default:
      return undefined;
  }
}

/** A contestant in a process of its own, answering one request at a time. */
export class ContestantProcess implements Remote<ContestantName> {
  readonly name: ContestantName;
  readonly #child: ChildProcess;
  #answered: (answer: Answer) => void = () => {};

  private constructor(name: ContestantName, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.on("message", (answer: Answer) => this.#answered(answer));
    child.on("exit", (code, signal) =>
      this.#answered({ failed: `the process ended (${signal ?? `exit code ${code}`})` }),
    );
  }

  /**
   * Bundles the contestant, starts it, and gives what it says of itself.
   * @throws Error when it cannot start.
   */
  static async open(name: ContestantName, options: StartOptions, { programs, env }: Origin = {}) {
    const folder = programs === undefined ? await bundled(programOf(name)) : undefined;
    const file = join(folder ?? programs!, `${programOf(name)}.cjs`);
    // Node 20 has relaxed SIMD behind a flag, later versions without.
    const needsFlag = options.build === "relaxed" && versions.node.startsWith("20.");
    const child = fork(file, {
      cwd: programs ?? root,
      env: { ...process.env, ...env },
      execArgv: needsFlag ? ["--experimental-wasm-relaxed-simd"] : [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const remote = new ContestantProcess(name, child);
    try {
      const introduction = await remote.ask({ ask: "start", ...options, binaries: binariesOf(name) });
      return { remote, introduction };
    } catch (error) {
      remote.close();
      throw error;
    } finally {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    }
  }

  /** @throws Error when the contestant fails or its process ends. */
  async ask<Kind extends Request["ask"]>(request: Extract<Request, { ask: Kind }>): Promise<Answers[Kind]> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#answered = resolve;
      if (this.#child.connected) this.#child.send(request);
      else resolve({ failed: "the process has ended" });
    });
    if ("failed" in answer) throw new Error(`${this.name}: ${answer.failed}`);
    return answer as Answers[Kind];
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** A new folder with a contestant's program. */
async function bundled(program: string): Promise<string> {
  const { bundle } = await import("./bundle.ts");
  const cache = join(root, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "bench-"));
  await bundle(join(root, "bench/rivals", `${program}.ts`), join(folder, `${program}.cjs`));
  return folder;
}
