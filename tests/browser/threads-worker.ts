import { init } from "../../src/index.ts";
import type { Build } from "../../src/wasm/features.ts";
import { train } from "./train.ts";

/** What a worker that trained says. */
export interface Trained {
  readonly threads: number;
  readonly losses: readonly unknown[];
}

// Trains with as many threads as it is told, and answers with the losses.
self.onmessage = async ({ data }: MessageEvent<{ threads: number; build: Build }>) => {
  const { threads } = await init(data);
  postMessage({ threads, losses: await train() } satisfies Trained);
};
