import { field, Program } from "./conv2d-program";
import { copyFloats } from "./pack";
import { pictureStep } from "./pad";

// Depthwise convolutions have no sum over channels, so channels are the vector lanes: every pixel is read as
// output channels padded to a multiple of 8 ("lanes"), each input channel repeated `multiplier` times.

/**
 * Copies one picture [height, width, channels] to [paddedHeight, paddedWidth, lanes]: shifted by `top` and
 * `left` (negative: cropped), each channel `repeat` times, zeros elsewhere.
 */
export function spreadPicture(
  y: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  repeat: i32,
  top: i32,
  left: i32,
  paddedHeight: i32,
  paddedWidth: i32,
  lanes: i32,
): void {
  const pixel = (<usize>lanes) << 2;
  const whole = channels == lanes;
  const first = max(0, -left);
  const count = min(paddedWidth, left + width) - max(0, left);
  for (let row = 0; row < paddedHeight; row++, y += <usize>paddedWidth * pixel) {
    const inside = row >= top && row < top + height && count > 0;
    if (!inside || !whole || count < paddedWidth) memory.fill(y, 0, <usize>paddedWidth * pixel);
    if (!inside) continue;
    let from = x + ((<usize>(((row - top) * width + first) * channels)) << 2);
    let to = y + <usize>max(0, left) * pixel;
    if (whole) {
      memory.copy(to, from, <usize>count * pixel);
      continue;
    }
    for (let j = 0; j < count; j++, to += pixel) {
      if (repeat == 1) {
        copyFloats(to, from, channels);
        from += (<usize>channels) << 2;
        continue;
      }
      let lane = to;
      for (let c = 0; c < channels; c++, from += 4) {
        const value = load<f32>(from);
        for (let i = 0; i < repeat; i++, lane += 4) store<f32>(lane, value);
      }
    }
  }
}

/** The next block's pictures as the depthwise kernels read them. */
export function spreadBlock(program: usize, x: usize, pictures: i32, workspace: usize, repeat: i32): usize {
  if (field(program, Program.InPlace)) return x;
  const height = field(program, Program.SourceHeight);
  const width = field(program, Program.SourceWidth);
  const channels = field(program, Program.SourceChannels);
  const padded = workspace + field(program, Program.Padded);
  const step = (<usize>pictureStep(program)) << 2;
  for (let b = 0; b < pictures; b++) {
    spreadPicture(
      padded + <usize>b * step,
      x + ((<usize>(b * height * width * channels)) << 2),
      height,
      width,
      channels,
      repeat,
      field(program, Program.PadTop),
      field(program, Program.PadLeft),
      field(program, Program.PaddedHeight),
      field(program, Program.PaddedWidth),
      field(program, Program.Depth),
    );
  }
  return padded;
}
