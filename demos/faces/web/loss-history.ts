import type { LossPoint } from "./messages.ts";

/** Weight of the past in a smoothed loss, a step: some 20 steps. */
const memory = 0.95;

/** Smoothed losses over training, as the chart takes them: kimg, generator, discriminator. */
export class LossHistory {
  readonly columns: [kimg: number[], generator: number[], discriminator: number[]] = [[], [], []];
  readonly #most: number;
  #stride = 1;
  #steps = 0;
  #weight = 0;
  #sums: [number, number] = [0, 0];

  /** @param most points kept; when there are more every second goes, so that long runs stay light */
  constructor(most = 2000) {
    this.#most = most;
  }

  add({ kimg, generator, discriminator }: LossPoint): void {
    // Divided by the sum of weights, so that the first steps are not drawn towards zero.
    this.#weight = memory * this.#weight + (1 - memory);
    this.#sums = [generator, discriminator].map(
      (loss, i) => memory * this.#sums[i] + (1 - memory) * loss,
    ) as [number, number];
    if (++this.#steps % this.#stride !== 0) return;
    const point = [kimg, ...this.#sums.map((sum) => sum / this.#weight)];
    for (const [i, column] of this.columns.entries()) column.push(point[i]);
    if (this.columns[0].length <= this.#most) return;
    this.#stride *= 2;
    for (const column of this.columns) {
      const kept = column.filter((_, i) => i % 2 === 1);
      column.splice(0, column.length, ...kept);
    }
  }

  /** The latest smoothed losses. */
  get latest(): { generator: number; discriminator: number } | undefined {
    if (this.#steps === 0) return undefined;
    const [generator, discriminator] = this.#sums.map((sum) => sum / this.#weight);
    return { generator, discriminator };
  }
}
