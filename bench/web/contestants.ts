import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threadedSimd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import onnx from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import type { Answer, Answers, Remote, Request } from "../protocol.ts";
import type { ContestantName, StartOptions } from "../rivals/contestant.ts";

const tfjsFiles = {
  "tfjs-backend-wasm.wasm": plain,
  "tfjs-backend-wasm-simd.wasm": simd,
  "tfjs-backend-wasm-threaded-simd.wasm": threadedSimd,
};

interface Entry {
  readonly start: () => Worker;
  readonly binaries?: StartOptions["binaries"];
}

// Each written out: the bundler finds workers by this very expression.
const entries: Partial<Record<ContestantName, Entry>> = {
  ganvil: {
    start: () => new Worker(new URL("../rivals/ganvil.ts", import.meta.url), { type: "module" }),
  },
  "tfjs-wasm": {
    start: () => new Worker(new URL("../rivals/tfjs-wasm.ts", import.meta.url), { type: "module" }),
    binaries: tfjsFiles,
  },
  "tfjs-wasm-patched": {
    start: () => new Worker(new URL("../rivals/tfjs-wasm-patched.ts", import.meta.url), { type: "module" }),
    binaries: tfjsFiles,
  },
  "tfjs-cpu": {
    start: () => new Worker(new URL("../rivals/tfjs-cpu.ts", import.meta.url), { type: "module" }),
  },
  "onnxruntime-web": {
    start: () => new Worker(new URL("../rivals/onnxruntime-web.ts", import.meta.url), { type: "module" }),
    binaries: { wasm: onnx },
  },
  "jax-js": {
    start: () => new Worker(new URL("../rivals/jax-js.ts", import.meta.url), { type: "module" }),
  },
  "ganvil-webgpu": {
    start: () => new Worker(new URL("../rivals/ganvil-webgpu.ts", import.meta.url), { type: "module" }),
  },
  "tfjs-webgpu": {
    start: () => new Worker(new URL("../rivals/tfjs-webgpu.ts", import.meta.url), { type: "module" }),
  },
};

/** Who can take part in a browser. */
export const pageNames = Object.keys(entries) as ContestantName[];

/** A contestant in a worker of its own, answering one request at a time. */
export class ContestantWorker implements Remote<ContestantName> {
  readonly name: ContestantName;
  readonly #worker: Worker;
  #answered: (answer: Answer) => void = () => {};
  #closed = false;

  private constructor(name: ContestantName, worker: Worker) {
    this.name = name;
    this.#worker = worker;
    worker.addEventListener("message", ({ data }) => this.#answered(data));
    worker.addEventListener("error", ({ message }) =>
      this.#answered({ failed: message || "it did not load" }),
    );
  }

  /** @throws Error when it cannot start. */
  static async open(name: ContestantName, options: StartOptions) {
    const { start, binaries } = entries[name]!;
    const remote = new ContestantWorker(name, start());
    try {
      return { remote, introduction: await remote.ask({ ask: "start", ...options, binaries }) };
    } catch (error) {
      remote.close();
      throw error;
    }
  }

  async ask<Kind extends Request["ask"]>(request: Extract<Request, { ask: Kind }>): Promise<Answers[Kind]> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#answered = resolve;
      if (this.#closed) resolve({ failed: "it has been stopped" });
      else this.#worker.postMessage(request);
    });
    if ("failed" in answer) throw new Error(`${this.name}: ${answer.failed}`);
    return answer as Answers[Kind];
  }

  /** Stops it at once, also amid a call. */
  close(): void {
    this.#closed = true;
    this.#worker.terminate();
    this.#answered({ failed: "it has been stopped" });
  }
}
