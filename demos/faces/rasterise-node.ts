import { renderAsync } from "@resvg/resvg-js";
import { withoutAlpha } from "ganvil/data";
import type { Rasterise } from "./dicebear-faces.ts";

/** Draws an SVG with an opaque background by resvg. */
export const rasterise: Rasterise = async (svg, resolution) => {
  const { pixels } = await renderAsync(svg, {
    fitTo: { mode: "width", value: resolution },
    font: { loadSystemFonts: false },
  });
  return withoutAlpha(pixels, 3);
};
