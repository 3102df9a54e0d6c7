import type { Dataset } from "../../src/gan/batch.ts";
import { random } from "../ops/check.ts";

/** A dataset of small random pictures whose batches depend on the cursor alone. */
export function noisePictures({ resolution = 32, channels = 3, size = 50 } = {}): Dataset {
  return {
    resolution,
    channels,
    size,
    skipped: [],
    async *batches({ count, cursor }) {
      for (let position = cursor; ; position += count) {
        const next = random(`pictures ${position}`);
        const shape = [count, resolution, resolution, channels] as const;
        const data = Uint8Array.from({ length: count * resolution ** 2 * channels }, () =>
          Math.floor(next() * 256),
        );
        yield { image: { data, shape }, cursor: position + count };
      }
    },
  };
}
