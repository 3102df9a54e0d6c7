import { imageFiles } from "../../src/data/index.ts";
import type { ImageBytes } from "../../src/gan/batch.ts";

// Answers the files it is sent with the first batch of the dataset made of them.
self.onmessage = async ({ data: files }: MessageEvent<File[]>) => {
  const dataset = await imageFiles(files, { resolution: 8, mirror: false });
  for await (const { image } of dataset.batches({ count: files.length, cursor: 0 })) {
    self.postMessage((image as ImageBytes).data);
    break;
  }
};
