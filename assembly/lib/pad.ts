import { field, Program } from "./conv2d-program";
import { copyFloats } from "./pack";

function zero(y: usize, n: i32): void {
  memory.fill(y, 0, (<usize>n) << 2);
}

/**
 * Copies one picture [height, width, channels] into planes [groups][paddedHeight, paddedWidth, channels/groups],
 * shifted by `top` rows and `left` columns (negative: cropped), zeros around it.
 */
export function padPicture(
  y: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  groups: i32,
  top: i32,
  left: i32,
  paddedHeight: i32,
  paddedWidth: i32,
): void {
  const depth = channels / groups;
  const pixel = (<usize>depth) << 2;
  const first = min(max(0, left), paddedWidth);
  const count = max(0, min(paddedWidth, left + width) - first);
  const skipped = max(0, -left);
  for (let g = 0; g < groups; g++) {
    for (let row = 0; row < paddedHeight; row++, y += <usize>paddedWidth * pixel) {
      const from = row - top;
      if (from < 0 || from >= height || count == 0) {
        zero(y, paddedWidth * depth);
        continue;
      }
      if (first > 0) zero(y, first * depth);
      let to = y + <usize>first * pixel;
      let source = x + ((<usize>((from * width + skipped) * channels + g * depth)) << 2);
      if (groups == 1) {
        memory.copy(to, source, <usize>count * pixel);
        to += <usize>count * pixel;
      } else {
        const end = to + <usize>count * pixel;
        for (; to < end; to += pixel, source += (<usize>channels) << 2) copyFloats(to, source, depth);
      }
      const rest = paddedWidth - first - count;
      if (rest > 0) zero(to, rest * depth);
    }
  }
}

/** Elements of one picture as the kernels read it. */
export function pictureStep(program: usize): i32 {
  return field(program, Program.InPlace)
    ? field(program, Program.SourceHeight) * field(program, Program.SourceWidth) * field(program, Program.SourceChannels)
    : field(program, Program.Groups) *
        field(program, Program.PaddedHeight) *
        field(program, Program.PaddedWidth) *
        field(program, Program.Depth);
}

/** Pads `pictures` pictures into the workspace and returns where to read them; in place: x itself. */
export function padBlock(program: usize, x: usize, pictures: i32, workspace: usize): usize {
  if (field(program, Program.InPlace)) return x;
  const height = field(program, Program.SourceHeight);
  const width = field(program, Program.SourceWidth);
  const channels = field(program, Program.SourceChannels);
  const padded = workspace + field(program, Program.Padded);
  const step = (<usize>pictureStep(program)) << 2;
  for (let b = 0; b < pictures; b++) {
    padPicture(
      padded + <usize>b * step,
      x + ((<usize>(b * height * width * channels)) << 2),
      height,
      width,
      channels,
      field(program, Program.Groups),
      field(program, Program.PadTop),
      field(program, Program.PadLeft),
      field(program, Program.PaddedHeight),
      field(program, Program.PaddedWidth),
    );
  }
  return padded;
}
