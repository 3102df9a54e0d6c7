/** RGBA pixels as RGB, or as grey by the luma weights of Rec. 709; alpha is dropped. */
export function withoutAlpha(rgba: Uint8Array | Uint8ClampedArray, channels: 1 | 3): Uint8Array {
  const pixels = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const [r, g, b] = [rgba[from], rgba[from + 1], rgba[from + 2]];
    if (channels === 1) {
      pixels[to++] = Math.round(0.2126 * r + 0.7152 * g + 0.0722 * b);
    } else {
      pixels[to++] = r;
      pixels[to++] = g;
      pixels[to++] = b;
    }
  }
  return pixels;
}
