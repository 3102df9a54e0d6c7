import type { Network } from "../../src/nn/network.ts";

/** Trained numbers of a network. */
export const numbersOf = ({ parameters }: Network): number =>
  Object.values(parameters).reduce((total, { size }) => total + size, 0);

/** Bytes of a batch of pictures [N, H, W, C], every value of them somewhere. */
export function pictureBytes(shape: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (i * 37) % 256);
}
