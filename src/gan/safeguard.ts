import { tensor4d } from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
import { DeviceError } from "../errors.ts";
import { type Batch, isTensor } from "./batch.ts";
import type { TrainingState } from "./state.ts";

/** A snapshot is due when training since the last one took so many times as long as taking it. */
const patience = 50;

/** Batches that are kept since a snapshot, at most, and their bytes. */
const keptBatches = 256;
const keptBytes = 64 * 2 ** 20;

/** What a safeguard needs of a GAN. */
export interface Guarded {
  /** True where its variables, or some, are on the GPU alone. */
  isOnGpu(): boolean;
  state(): Promise<TrainingState>;
  restore(state: TrainingState): void;
  /** One step; takes it from what the batch holds. */
  play(batch: Batch): Promise<unknown>;
}

/** A batch in JavaScript's memory, which no GPU takes with it. */
async function keepable({ image, label, cursor }: Batch): Promise<Batch & { readonly bytes: number }> {
  if (!isTensor(image)) return { image, label, cursor, bytes: image.data.byteLength };
  const values = (await image.data()) as Float32Array;
  // A tensor is gone after its step: each replay needs another.
  return Object.defineProperty(
    { label, cursor, bytes: values.byteLength } as Batch & { bytes: number },
    "image",
    {
      get: () => tensor4d(values, image.shape),
    },
  );
}

/**
 * Keeps what it takes to go on after the GPU is lost: the state of some steps ago, in JavaScript's memory, and the
 * batches since. Recovering restores the one and plays the others again, so that each step is applied once.
 */
export class Safeguard {
  readonly #gan: Guarded;
  #snapshot: TrainingState | undefined;
  #since: Batch[] = [];
  #bytes = 0;
  #taken = 0;
  #cost = 0;
  /** Everything was in the heap after the last step: nothing can be lost. */
  #safe = false;
  #notices: string[] = [];

  constructor(gan: Guarded) {
    this.#gan = gan;
  }

  /** What happened to the GPU since this was last asked, in words. */
  takeNotices(): string[] {
    return this.#notices.splice(0);
  }

  /** The GAN has been given another state: what was kept is of no use. */
  forget(): void {
    this.#snapshot = undefined;
    this.#since = [];
    this.#bytes = 0;
    this.#safe = false;
  }

  /** Plays a step; where the GPU fails on the way, recovers and plays it again. */
  async step<T>(batch: Batch, play: (batch: Batch) => Promise<T>): Promise<T> {
    if (currentBackend().gpu === undefined) return play(batch);
    await this.recover();
    if (currentBackend().gpu === undefined) return play(batch);
    if (this.#snapshot === undefined && !this.#safe) await this.#take();
    const kept = this.#safe ? { ...batch, bytes: 0 } : await keepable(batch);
    const result = await this.#played(batch, kept, play);
    await this.#after(kept);
    return result;
  }

  async #played<T>(batch: Batch, kept: Batch, play: (batch: Batch) => Promise<T>): Promise<T> {
    let attempt = batch;
    for (;;) {
      try {
        return await play(attempt);
      } catch (error) {
        if (!(error instanceof DeviceError) || currentBackend().gpu?.failure === undefined) throw error;
        await this.recover();
        attempt = kept;
      }
    }
  }

  /** Where the GPU has failed: takes another one, or Wasm, and brings the GAN to where it was. */
  async recover(): Promise<void> {
    const backend = currentBackend();
    for (let failure = backend.gpu?.failure; failure !== undefined; failure = backend.gpu?.failure) {
      const device = await backend.replaceGpu();
      if (this.#safe) continue;
      if (this.#snapshot === undefined) throw failure;
      const { step } = this.#snapshot.metadata;
      this.#notices.push(
        `${failure.message} Training went back to step ${step}, repeated the ${this.#since.length} steps since, and goes on with ${device}.`,
      );
      try {
        this.#gan.restore(this.#snapshot);
        for (const batch of this.#since) await this.#gan.play(batch);
      } catch (error) {
        // It failed again on the way.
        if (!(error instanceof DeviceError) || backend.gpu?.failure === undefined) throw error;
      }
    }
  }

  async #after(kept: Batch & { readonly bytes: number }): Promise<void> {
    if (!this.#gan.isOnGpu()) {
      this.forget();
      this.#safe = true;
      return;
    }
    this.#safe = false;
    if (this.#snapshot === undefined) {
      await this.#take();
      return;
    }
    this.#since.push(kept);
    this.#bytes += kept.bytes;
    const due =
      performance.now() - this.#taken > patience * this.#cost ||
      this.#since.length >= keptBatches ||
      this.#bytes > keptBytes;
    if (due) await this.#take();
  }

  async #take(): Promise<void> {
    const start = performance.now();
    try {
      this.#snapshot = await this.#gan.state();
    } catch (error) {
      // What was kept still serves: the next step recovers.
      if (!(error instanceof DeviceError) || this.#snapshot === undefined) throw error;
      return;
    }
    this.#since = [];
    this.#bytes = 0;
    this.#taken = performance.now();
    this.#cost = this.#taken - start;
  }
}
