import { squarePixels } from "../../src/data/index.ts";
import type { Rasterise } from "./dicebear-faces.ts";

/**
 * Draws an SVG by an image element. On a page only: `createImageBitmap` takes no SVG blob in Chrome, and
 * workers have no image elements.
 */
export const rasterise: Rasterise = async (svg, resolution) => {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image(resolution, resolution);
    image.src = url;
    await image.decode();
    const bitmap = await createImageBitmap(image, { resizeWidth: resolution, resizeHeight: resolution });
    try {
      return squarePixels(bitmap, resolution, 3);
    } finally {
      bitmap.close();
    }
  } finally {
    URL.revokeObjectURL(url);
  }
};
