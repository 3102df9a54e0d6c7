import { init, type Report, type TrainingState, train } from "../../src/index.ts";
import { noisePictures } from "../gan/fixtures.ts";
import { smallGan } from "../webgpu/small-gan.ts";

/** What the worker says. */
export type FromWorker =
  | { readonly type: "step"; readonly report: Report }
  /** `arrays` are those of the state: number by number they pass through JSON unchanged. */
  | {
      readonly type: "done";
      readonly arrays: Readonly<Record<string, readonly number[]>>;
      readonly metadata: TrainingState["metadata"];
    }
  | { readonly type: "failed"; readonly message: string };

const post = (message: FromWorker): void => postMessage(message);

// Trains on the GPU for as many steps as it is told.
self.onmessage = async ({ data: steps }: MessageEvent<number>) => {
  try {
    await init({ device: "webgpu", threads: 1 });
    const gan = smallGan(steps);
    for await (const report of train(gan, noisePictures({ resolution: 4 }))) post({ type: "step", report });
    const { tensors, metadata } = await gan.state();
    const arrays = Object.entries(tensors).map(([name, { data }]) => [name, [...data]]);
    post({ type: "done", arrays: Object.fromEntries(arrays), metadata });
  } catch (error) {
    post({ type: "failed", message: String(error) });
  }
};
