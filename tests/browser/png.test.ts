import { expect, it } from "vitest";
import { encodePng, imageGrid } from "../../src/io/index.ts";

it("a PNG made in a browser shows the pixels it was made of", async () => {
  const images = Uint8Array.from({ length: 3 * 5 * 7 * 3 }, (_, i) => (i * 37) % 256);
  const grid = imageGrid({ data: images, shape: [3, 5, 7, 3] }, { scale: 2 });
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(encodePng(grid))], { type: "image/png" }));
  expect([bitmap.width, bitmap.height]).toEqual([grid.width, grid.height]);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  expect([...data].filter((_, i) => i % 4 !== 3)).toEqual([...grid.data]);
});
