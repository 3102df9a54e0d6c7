import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { type CompiledStep, compile } from "../backend/compile.ts";
import type { Pictures } from "./step.ts";

/** Phases whose captured steps are kept: the memory of each is its own. */
const keptPhases = 6;

/** A step captured once for each phase of a game, the latest ones. */
export class Phases {
  readonly #play: (pictures: Pictures) => void;
  /** From the one that was played longest ago on. */
  readonly #steps = new Map<string, CompiledStep>();
  #last: CompiledStep | undefined;

  constructor(play: (pictures: Pictures) => void) {
    this.#play = play;
  }

  /** Of the phase that was played last. */
  get status(): string {
    return this.#last?.status ?? "watched";
  }

  play(phase: string, { image, labels }: Pictures): void {
    const step = this.#steps.get(phase) ?? this.#compile();
    this.#steps.delete(phase);
    this.#steps.set(phase, step);
    this.#last = step;
    if (this.#steps.size > keptPhases) {
      const [oldest] = this.#steps.keys();
      this.#steps.get(oldest)?.dispose();
      this.#steps.delete(oldest);
    }
    step(...(labels === undefined ? [image] : [image, labels]));
  }

  #compile(): CompiledStep {
    return compile((image, labels) => {
      this.#play({ image: image as Tensor4D, labels: labels as Tensor2D | undefined });
      return [];
    });
  }

  dispose(): void {
    for (const step of this.#steps.values()) step.dispose();
    this.#steps.clear();
  }
}
