// Pooling of pictures x [batch, height, width, channels] to y [batch, outHeight, outWidth, channels], float32.
// The window of (r, c) starts at (r·strideHeight - padTop, c·strideWidth - padLeft) and is cut to the picture;
// of one that lies in the padding alone nothing remains. `geometry` points to twelve int32: batch, channels, height, width,
// outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, padTop, padLeft. Units are pictures.

/** y = the mean over each window, padding not counted; 0 where nothing remains. */
export function avgPool(y: usize, x: usize, geometry: usize, _scratch: usize, from: i32, to: i32): void {
  eachWindow(average, y, x, geometry, from, to);
}

/** The adjoint of `avgPool`: dx from dy. */
export function avgPoolGrad(dx: usize, dy: usize, geometry: usize, _scratch: usize, from: i32, to: i32): void {
  const picture = <usize>load<i32>(geometry, 4) * load<i32>(geometry, 8) * load<i32>(geometry, 12) << 2;
  memory.fill(dx + <usize>from * picture, 0, <usize>(to - from) * picture);
  eachWindow(spread, dy, dx, geometry, from, to);
}

/** y = the largest value of each window; NaN where there is one, -∞ where nothing remains. */
export function maxPool(y: usize, x: usize, geometry: usize, _scratch: usize, from: i32, to: i32): void {
  eachWindow(maximum, y, x, geometry, from, to);
}

/**
 * positions = the index in x (int32, counted in elements) of the first largest value of each window; -1 where
 * nothing remains.
 */
export function maxPoolPositions(positions: usize, x: usize, geometry: usize, _scratch: usize, from: i32, to: i32): void {
  eachWindow(position, positions, x, geometry, from, to);
}

const average = 0, spread = 1, maximum = 2, position = 3;

function eachWindow(kind: i32, out: usize, x: usize, geometry: usize, first: i32, end: i32): void {
  const channels = load<i32>(geometry, 4);
  const height = load<i32>(geometry, 8), width = load<i32>(geometry, 12);
  const outHeight = load<i32>(geometry, 16), outWidth = load<i32>(geometry, 20);
  const filterHeight = load<i32>(geometry, 24), filterWidth = load<i32>(geometry, 28);
  const strideHeight = load<i32>(geometry, 32), strideWidth = load<i32>(geometry, 36);
  const padTop = load<i32>(geometry, 40), padLeft = load<i32>(geometry, 44);
  const pixel = <usize>channels << 2;
  const row = <usize>width * pixel;
  out += <usize>first * outHeight * outWidth * pixel;
  for (let b = first; b < end; b++) {
    for (let r = 0; r < outHeight; r++) {
      const top = r * strideHeight - padTop;
      const firstRow = max(0, top);
      const rows = min(height, top + filterHeight) - firstRow;
      for (let c = 0; c < outWidth; c++, out += pixel) {
        const left = c * strideWidth - padLeft;
        const firstCol = max(0, left);
        const cols = min(width, left + filterWidth) - firstCol;
        const at = (<usize>b * height + firstRow) * row + <usize>firstCol * pixel;
        if (rows <= 0 || cols <= 0) {
          if (kind == average) memory.fill(out, 0, pixel);
          else if (kind == maximum) for (let at: usize = 0; at < pixel; at += 4) store<f32>(out + at, -Infinity);
          else if (kind == position) memory.fill(out, 0xff, pixel);
        } else if (kind == average) averageWindow(out, x + at, rows, cols, row, pixel);
        else if (kind == spread) spreadWindow(x + at, out, rows, cols, row, pixel);
        else if (kind == maximum) maximumWindow(out, x + at, rows, cols, row, pixel);
        else positionWindow(out, x + at, <i32>(at >> 2), rows, cols, row, pixel);
      }
    }
  }
}

function averageWindow(y: usize, x: usize, rows: i32, cols: i32, row: usize, pixel: usize): void {
  const share: f32 = 1 / <f32>(rows * cols);
  const v = f32x4.splat(share);
  let at: usize = 0;
  for (; at + 32 <= pixel; at += 32) {
    let a = f32x4.splat(0), b = f32x4.splat(0);
    for (let r = 0, line = x + at; r < rows; r++, line += row) {
      for (let c = 0, from = line; c < cols; c++, from += pixel) {
        a = f32x4.add(a, v128.load(from));
        b = f32x4.add(b, v128.load(from, 16));
      }
    }
    v128.store(y + at, f32x4.mul(a, v));
    v128.store(y + at, f32x4.mul(b, v), 16);
  }
  for (; at + 16 <= pixel; at += 16) {
    let sum = f32x4.splat(0);
    for (let r = 0, line = x + at; r < rows; r++, line += row) {
      for (let c = 0, from = line; c < cols; c++, from += pixel) sum = f32x4.add(sum, v128.load(from));
    }
    v128.store(y + at, f32x4.mul(sum, v));
  }
  for (; at < pixel; at += 4) {
    let sum: f32 = 0;
    for (let r = 0, line = x + at; r < rows; r++, line += row) {
      for (let c = 0, from = line; c < cols; c++, from += pixel) sum += load<f32>(from);
    }
    store<f32>(y + at, sum * share);
  }
}

function spreadWindow(dx: usize, dy: usize, rows: i32, cols: i32, row: usize, pixel: usize): void {
  const share: f32 = 1 / <f32>(rows * cols);
  const v = f32x4.splat(share);
  let at: usize = 0;
  for (; at + 16 <= pixel; at += 16) {
    const value = f32x4.mul(v128.load(dy + at), v);
    for (let r = 0, line = dx + at; r < rows; r++, line += row) {
      for (let c = 0, to = line; c < cols; c++, to += pixel) v128.store(to, f32x4.add(v128.load(to), value));
    }
  }
  for (; at < pixel; at += 4) {
    const value = load<f32>(dy + at) * share;
    for (let r = 0, line = dx + at; r < rows; r++, line += row) {
      for (let c = 0, to = line; c < cols; c++, to += pixel) store<f32>(to, load<f32>(to) + value);
    }
  }
}

function maximumWindow(y: usize, x: usize, rows: i32, cols: i32, row: usize, pixel: usize): void {
  let at: usize = 0;
  // A cache line at a time: the loops over a small window cost more than its values. f32x4.max is seven
  // instructions on x64, pmax one, but it passes over NaN: those are noted beside it.
  for (; at + 64 <= pixel; at += 64) {
    let a = f32x4.splat(-Infinity), b = a, c = a, d = a;
    let nanA = i32x4.splat(0), nanB = nanA, nanC = nanA, nanD = nanA;
    for (let r = 0, line = x + at; r < rows; r++, line += row) {
      for (let i = 0, from = line; i < cols; i++, from += pixel) {
        let v = v128.load(from);
        a = f32x4.pmax(v, a);
        nanA = v128.or(nanA, f32x4.ne(v, v));
        v = v128.load(from, 16);
        b = f32x4.pmax(v, b);
        nanB = v128.or(nanB, f32x4.ne(v, v));
        v = v128.load(from, 32);
        c = f32x4.pmax(v, c);
        nanC = v128.or(nanC, f32x4.ne(v, v));
        v = v128.load(from, 48);
        d = f32x4.pmax(v, d);
        nanD = v128.or(nanD, f32x4.ne(v, v));
      }
    }
    v128.store(y + at, v128.or(a, nanA));
    v128.store(y + at, v128.or(b, nanB), 16);
    v128.store(y + at, v128.or(c, nanC), 32);
    v128.store(y + at, v128.or(d, nanD), 48);
  }
  for (; at + 16 <= pixel; at += 16) {
    let best = v128.load(x + at);
    for (let r = 0, line = x + at; r < rows; r++, line += row) {
      for (let c = 0, from = line; c < cols; c++, from += pixel) best = f32x4.max(best, v128.load(from));
    }
    v128.store(y + at, best);
  }
  for (; at < pixel; at += 4) {
    let best = load<f32>(x + at);
    for (let r = 0, line = x + at; r < rows; r++, line += row) {
      for (let c = 0, from = line; c < cols; c++, from += pixel) best = max(best, load<f32>(from));
    }
    store<f32>(y + at, best);
  }
}

/** `first` is the index in the whole array of the window's first element. */
function positionWindow(y: usize, x: usize, first: i32, rows: i32, cols: i32, row: usize, pixel: usize): void {
  let at: usize = 0;
  for (; at + 16 <= pixel; at += 16) {
    let best = v128.load(x + at);
    const start = i32x4.add(i32x4.splat(first + <i32>(at >> 2)), i32x4(0, 1, 2, 3));
    let where = start;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const offset = <usize>r * row + <usize>c * pixel;
        const value = v128.load(x + at + offset);
        const larger = f32x4.gt(value, best);
        best = v128.bitselect(value, best, larger);
        where = v128.bitselect(i32x4.add(start, i32x4.splat(<i32>(offset >> 2))), where, larger);
      }
    }
    v128.store(y + at, where);
  }
  for (; at < pixel; at += 4) {
    let best = load<f32>(x + at);
    let where: usize = 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const offset = <usize>r * row + <usize>c * pixel;
        const value = load<f32>(x + at + offset);
        if (value > best) {
          best = value;
          where = offset;
        }
      }
    }
    store<i32>(y + at, first + <i32>((at + where) >> 2));
  }
}
