import { inputAdjoint2, output2 } from "./filtering-2x2";
import { firstTap4, inputAdjoint4, output4, secondTap4 } from "./filtering-4x2";

// The way back from one tile's products, in two dimensions as in phases-tiles.ts. `columns` is a workspace of 512
// bytes.

/** y[tile][tile][8] = Aᵀ M A of the products m [(tile + 1)²] of 8 channels, `plane` bytes apart. */
export function outputPatch(y: usize, m: usize, plane: usize, tile: i32, columns: usize): void {
  for (let half = 0; half < 2; half++, m += 16, y += 16) {
    let column = columns;
    if (tile == 4) {
      const line = 5 * plane;
      for (let j: usize = 0; j < 5; j++) {
        const at = m + j * plane;
        output4(columns + (j << 4), 80, at, at + line, at + 2 * line, at + 3 * line, at + 4 * line);
      }
      for (let i: usize = 0; i < 4; i++, column += 80) {
        output4(y + (i << 7), 32, column, column + 16, column + 32, column + 48, column + 64);
      }
    } else {
      const line = 3 * plane;
      for (let j: usize = 0; j < 3; j++) {
        const at = m + j * plane;
        output2(columns + (j << 4), 48, at, at + line, at + 2 * line);
      }
      for (let i: usize = 0; i < 2; i++, column += 48) {
        output2(y + (i << 6), 32, column, column + 16, column + 32);
      }
    }
  }
}

/** x[tile + 1][tile + 1][8] = B M Bᵀ of the products m [(tile + 1)²] of 8 channels, `plane` bytes apart. */
export function inputPatch(x: usize, m: usize, plane: usize, tile: i32, columns: usize): void {
  for (let half = 0; half < 2; half++, m += 16, x += 16) {
    let column = columns;
    if (tile == 4) {
      const line = 5 * plane;
      for (let j: usize = 0; j < 5; j++) {
        const at = m + j * plane;
        inputAdjoint4(columns + (j << 4), 80, at, at + line, at + 2 * line, at + 3 * line, at + 4 * line);
      }
      for (let i: usize = 0; i < 5; i++, column += 80) {
        inputAdjoint4(x + i * 160, 32, column, column + 16, column + 32, column + 48, column + 64);
      }
    } else {
      const line = 3 * plane;
      for (let j: usize = 0; j < 3; j++) {
        const at = m + j * plane;
        inputAdjoint2(columns + (j << 4), 48, at, at + line, at + 2 * line);
      }
      for (let i: usize = 0; i < 3; i++, column += 48) {
        inputAdjoint2(x + i * 96, 32, column, column + 16, column + 32);
      }
    }
  }
}

/** Bytes between the planes of 4×8 products that `tapsPatch` reads. */
export const tapsPlane: i32 = 128;

/** First row of Gᵀ M, one column. */
function firstTaps(m: usize): v128 {
  return firstTap4(
    v128.load(m),
    v128.load(m, 5 * tapsPlane),
    v128.load(m, 10 * tapsPlane),
    v128.load(m, 15 * tapsPlane),
  );
}

/** Second row of Gᵀ M, one column. */
function secondTaps(m: usize): v128 {
  return secondTap4(
    v128.load(m, 5 * tapsPlane),
    v128.load(m, 10 * tapsPlane),
    v128.load(m, 15 * tapsPlane),
    v128.load(m, 20 * tapsPlane),
  );
}

/** Gᵀ M G of the products m [(tile + 1)²] of 4 channels, `tapsPlane` apart: four taps, as far apart. */
export function tapsPatch(g: usize, m: usize, tile: i32, columns: usize): void {
  if (tile == 4) {
    let u0 = firstTaps(m);
    let u1 = firstTaps(m + tapsPlane);
    let u2 = firstTaps(m + 2 * tapsPlane);
    let u3 = firstTaps(m + 3 * tapsPlane);
    let u4 = firstTaps(m + 4 * tapsPlane);
    v128.store(g, firstTap4(u0, u1, u2, u3));
    v128.store(g, secondTap4(u1, u2, u3, u4), tapsPlane);
    u0 = secondTaps(m);
    u1 = secondTaps(m + tapsPlane);
    u2 = secondTaps(m + 2 * tapsPlane);
    u3 = secondTaps(m + 3 * tapsPlane);
    u4 = secondTaps(m + 4 * tapsPlane);
    v128.store(g, firstTap4(u0, u1, u2, u3), 2 * tapsPlane);
    v128.store(g, secondTap4(u1, u2, u3, u4), 3 * tapsPlane);
    return;
  }
  for (let j: usize = 0; j < 3; j++) {
    const at = m + j * tapsPlane;
    output2(columns + (j << 4), 48, at, at + 3 * tapsPlane, at + 6 * tapsPlane);
  }
  output2(g, tapsPlane, columns, columns + 16, columns + 32);
  output2(g + 2 * tapsPlane, tapsPlane, columns + 48, columns + 64, columns + 80);
}
