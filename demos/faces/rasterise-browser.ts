// Workers have canvases and nothing that reads SVG: createImageBitmap() refuses it, image elements are pages'.
import { withoutAlpha } from "ganvil/data";
import type { Rasterise } from "./dicebear-faces.ts";

/** Painting attributes that children take over. */
interface Style {
  readonly fill: string;
  readonly rule: CanvasFillRule;
}

/** A luminance mask of one shape: where it lets through, and how much. */
interface Mask {
  readonly shape: Path2D;
  readonly alpha: number;
}

/** A group being drawn, on a layer of its own where it is masked. */
interface Group {
  readonly style: Style;
  readonly context: OffscreenCanvasRenderingContext2D;
  readonly mask?: Mask;
}

const tag = /<(\/?)([\w:]+)([^>]*?)\/?>/g;
const attribute = /([\w-]+)="([^"]*)"/g;

/**
 * Draws on a canvas, in a page or a worker, the part of SVG that the faces are made of: filled rectangles and
 * paths in groups, and masks of one shape; what else stands in the text is passed over.
 */
export const rasterise: Rasterise = async (svg, resolution) => {
  const picture = layer(resolution);
  const masks = new Map<string, Mask>();
  const groups: Group[] = [];
  let context = picture;
  let style: Style = { fill: "#000", rule: "nonzero" };
  let maskId: string | undefined;
  for (const [, closing, name, text] of svg.matchAll(tag)) {
    const given = Object.fromEntries([...text.matchAll(attribute)].map(([, key, value]) => [key, value]));
    const own = {
      fill: given.fill ?? style.fill,
      rule: (given["fill-rule"] as CanvasFillRule) ?? style.rule,
    };
    if (name === "svg" && !closing) {
      const [, , width, height] = given.viewBox.split(" ").map(Number);
      picture.scale(resolution / width, resolution / height);
      style = own;
    } else if (name === "mask") {
      maskId = closing ? undefined : given.id;
    } else if (name === "g" && !closing) {
      const mask = masks.get(given.mask?.slice("url(#".length, -1));
      groups.push({ style, context, mask });
      style = own;
      if (mask === undefined) continue;
      const above = layer(resolution);
      above.setTransform(context.getTransform());
      context = above;
    } else if (name === "g") {
      const group = groups.pop()!;
      if (group.mask) putLayer(group.context, context, group.mask);
      ({ style, context } = group);
    } else if (name === "path" || name === "rect") {
      const shape = name === "path" ? new Path2D(given.d) : rectangle(given);
      const alpha = Number(given["fill-opacity"] ?? 1) * Number(given.opacity ?? 1);
      if (maskId !== undefined) {
        masks.set(maskId, { shape, alpha: alpha * luminance(own.fill) });
      } else if (own.fill !== "none") {
        context.globalAlpha = alpha;
        context.fillStyle = own.fill;
        context.fill(shape, own.rule);
      }
    }
  }
  return withoutAlpha(picture.getImageData(0, 0, resolution, resolution).data, 3);
};

function layer(side: number): OffscreenCanvasRenderingContext2D {
  return new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true })!;
}

function putLayer(
  below: OffscreenCanvasRenderingContext2D,
  { canvas }: OffscreenCanvasRenderingContext2D,
  { shape, alpha }: Mask,
): void {
  below.save();
  below.clip(shape);
  below.globalAlpha = alpha;
  below.resetTransform();
  below.drawImage(canvas, 0, 0);
  below.restore();
}

function rectangle({ x, y, width, height }: Record<string, string>): Path2D {
  const shape = new Path2D();
  shape.rect(Number(x), Number(y), Number(width), Number(height));
  return shape;
}

/** Of "#rgb" or "#rrggbb", 0 to 1, as masks weigh colours (CSS Masking Level 1, 6.4). */
function luminance(colour: string): number {
  const digits = colour.length === 4 ? [...colour.slice(1)].map((d) => d + d) : colour.match(/[^#]./g)!;
  const [r, g, b] = digits.map((pair) => Number.parseInt(pair, 16) / 255);
  return 0.2125 * r + 0.7154 * g + 0.0721 * b;
}
