import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import type { Answer, Answers, Remote, Request } from "./protocol.ts";
import type { ContestantName, StartOptions } from "./rivals/contestant.ts";

const script = new URL("native/serve.py", import.meta.url).pathname;

/** As it comes, and held to vectors of twice our width. */
const environments: Partial<Record<ContestantName, NodeJS.ProcessEnv>> = {
  pytorch: {},
  "pytorch-avx2": { ONEDNN_MAX_CPU_ISA: "AVX2", ATEN_CPU_CAPABILITY: "avx2" },
};

export const nativeNames = Object.keys(environments) as ContestantName[];

/** The first Python that has PyTorch: the one that GANVIL_PYTHON names, else the usual ones. */
export async function findPython(): Promise<string | undefined> {
  const { GANVIL_PYTHON } = process.env;
  for (const python of GANVIL_PYTHON ? [GANVIL_PYTHON] : ["python3", "/usr/bin/python3", "python"]) {
    try {
      await promisify(execFile)(python, ["-c", "import torch, numpy"]);
      return python;
    } catch {}
  }
  return undefined;
}

/** PyTorch in a process of its own: a request and an answer are a line of JSON each. */
export class NativeProcess implements Remote<ContestantName> {
  readonly name: ContestantName;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #answered: (answer: Answer) => void = () => {};
  #ended: string | undefined;

  private constructor(name: ContestantName, python: string) {
    this.name = name;
    this.#child = spawn(python, ["-u", script], {
      env: { ...process.env, ...environments[name] },
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface(this.#child.stdout).on("line", (line) => this.#answered(JSON.parse(line)));
    const ended = (why: string) => {
      this.#ended = `the process ended (${why})`;
      this.#answered({ failed: this.#ended });
    };
    this.#child.on("exit", (code, signal) => ended(String(signal ?? `exit code ${code}`)));
    this.#child.on("error", ({ message }) => ended(message));
    // Writing to a process that has ended; its exit says so.
    this.#child.stdin.on("error", () => {});
  }

  /** @throws Error when it cannot start. */
  static async open(name: ContestantName, python: string, options: StartOptions) {
    const remote = new NativeProcess(name, python);
    try {
      return { remote, introduction: await remote.ask({ ask: "start", ...options }) };
    } catch (error) {
      remote.close();
      throw error;
    }
  }

  async ask<Kind extends Request["ask"]>(request: Extract<Request, { ask: Kind }>): Promise<Answers[Kind]> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#answered = resolve;
      if (this.#ended) resolve({ failed: this.#ended });
      else this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if ("failed" in answer) throw new Error(`${this.name}: ${answer.failed}`);
    return answer as Answers[Kind];
  }

  close(): void {
    this.#child.stdin.end();
  }
}
