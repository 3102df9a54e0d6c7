import { withoutAlpha } from "../../src/data/index.ts";
import type { Rasterise } from "./dicebear-faces.ts";

/**
 * Draws an SVG with an opaque background by an image element. On a page only: `createImageBitmap` takes no
 * SVG in Chrome, and workers have no image elements.
 */
export const rasterise: Rasterise = async (svg, resolution) => {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = new OffscreenCanvas(resolution, resolution);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("no 2d canvas");
    context.drawImage(image, 0, 0, resolution, resolution);
    return withoutAlpha(context.getImageData(0, 0, resolution, resolution).data, 3);
  } finally {
    URL.revokeObjectURL(url);
  }
};
