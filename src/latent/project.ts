import {
  abs,
  add,
  clipByValue,
  concat,
  dispose,
  gather,
  greaterEqual,
  mean,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tidy,
  tile,
  type Variable,
  variable,
  variableGrads,
  where,
} from "@tensorflow/tfjs-core";
import { check, showShape } from "../errors.ts";
import { type ImageBytes, isTensor } from "../gan/batch.ts";
import type { Gan } from "../gan/gan.ts";
import { imageBatch } from "../ops/image.ts";
import { randomNormal } from "../ops/random.ts";
import { Adam } from "../optim/adam.ts";
import { cosine } from "../optim/schedule.ts";
import { deriveKey } from "../random.ts";
import { drawn, modeFor, nearestSpace, pictured, type Space, styleGenerator } from "./code.ts";

export interface ProjectionProgress {
  readonly step: number;
  readonly steps: number;
  /** Least error so far. */
  readonly error: number;
}

export interface ProjectOptions {
  /** Adam's steps. Default 300. */
  readonly steps?: number;
  /** Starts that are followed side by side; the best one counts. Default 4. */
  readonly restarts?: number;
  /** Random pictures among which the starts are the nearest. Default 64. */
  readonly candidates?: number;
  /** Step size at the start; it falls to a hundredth. Default 0.1. */
  readonly learningRate?: number;
  /** Integer, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number;
  /** The picture's class, for a GAN of classes. */
  readonly label?: number;
  /**
   * What the pictures are compared by, beside their pixels: x float32 [N, H, W, C] → [N, ...], such as a layer of a
   * trained network, of about unit scale. Default: pixels alone.
   */
  readonly features?: (x: Tensor4D) => Tensor;
  /** Ends the search with its reason as the error. */
  readonly signal?: AbortSignal;
  /** Called now and then. */
  readonly onProgress?: (progress: ProjectionProgress) => void;
}

/** How far the error can be believed. */
export interface ProjectionCheck {
  /** Least and middle error of random pictures of the generator: what is found without any search. */
  readonly nearestSample: number;
  readonly medianSample: number;
  /** Error that the same search leaves of a picture that the generator surely draws, one of its own. */
  readonly ownSample: number;
  /**
   * "far": more than half the nearest sample's error, so the picture is probably none that the generator draws. "near":
   * less; "found": as near too as the search comes to the generator's own picture, within three times its error, or off by
   * less than a grey level.
   */
  readonly verdict: "found" | "near" | "far";
}

export interface Projection {
  readonly space: Space;
  /** float32 [1, latent] for z, [1, width] for w; the caller's to dispose, as is the picture. */
  readonly code: Tensor2D;
  /** float32 [1, H, W, C] in [-1, 1]. */
  readonly picture: Tensor4D;
  /** Mean square over pixels, of a range of 2, and of features where there are some. */
  readonly error: number;
  /** The last tenth of the steps took less than a twentieth off the error. */
  readonly converged: boolean;
  readonly check: ProjectionCheck;
}

/** Of 256, in a range of 2. */
const greyLevel = 2 / 255;

/** Steps between two looks at the errors. */
const stride = 10;

/**
 * Projection: the code whose picture comes nearest to a given one, found by Adam from several starts at once; in w where
 * there is a mapping network (Karras et al. 2020, arXiv 1912.04958, section 5), else in z. A picture that the generator
 * draws from a secret code is searched for in the same way, which tells a bad search from a picture out of reach.
 * @param picture float32 [1, H, W, C] in [-1, 1], which stays the caller's, or its bytes
 * @throws RangeError for a picture of another shape, and the signal's reason where it is given up
 */
export async function project(
  gan: Gan,
  picture: Tensor4D | ImageBytes,
  options: ProjectOptions = {},
): Promise<Projection> {
  const { steps = 300, restarts = 4, candidates = 64 } = options;
  for (const [name, value] of Object.entries({ steps, restarts, candidates })) {
    check(
      Number.isInteger(value) && value > 0,
      () => `project: expected ${name} to be a whole number above 0, got ${value}`,
    );
  }
  check(
    restarts <= candidates,
    () => `project: expected at most ${candidates} restarts, the number of candidates, got ${restarts}`,
  );
  const { resolution, channels } = gan.settings;
  const given = isTensor(picture) ? (picture.clone() as Tensor4D) : imageBatch(picture);
  const search = new Search(gan, { ...options, steps, restarts, candidates });
  try {
    const wanted = [1, resolution, resolution, channels];
    check(
      given.shape.join() === wanted.join(),
      () => `project: expected one picture ${showShape(wanted)}, got ${showShape(given.shape)}`,
    );
    return await search.run(given);
  } finally {
    given.dispose();
    search.dispose();
  }
}

type Settings = ProjectOptions & Required<Pick<ProjectOptions, "steps" | "restarts" | "candidates">>;

/** One search for two pictures: the first half of the rows is for the given one, the other for the generator's own. */
class Search {
  readonly #gan: Gan;
  readonly #settings: Settings;
  readonly #space: Space;
  readonly #held: Tensor[] = [];
  #adam: Adam | undefined;

  constructor(gan: Gan, settings: Settings) {
    this.#gan = gan;
    this.#settings = settings;
    this.#space = nearestSpace(gan);
  }

  async run(given: Tensor4D): Promise<Projection> {
    const { steps, restarts, signal, onProgress } = this.#settings;
    signal?.throwIfAborted();
    const own = this.#hold(pictured(this.#gan, (generator) => this.#draw(generator, this.#codes("own", 1))));
    const codes = this.#hold(this.#codes("candidates", this.#settings.candidates));
    const samples = await this.#errors(codes, given);
    const starts = [samples, await this.#errors(codes, own)].flatMap((errors) =>
      nearest(errors).slice(0, restarts),
    );
    const code = this.#hold(tidy(() => variable(gather(codes, starts) as Tensor2D)));
    const targets = this.#hold(
      tidy(() => concat([given, own].map((target) => tile(target, [restarts, 1, 1, 1]))) as Tensor4D),
    );
    this.#adam = new Adam({ code }, { beta1: 0.9, beta2: 0.999 });
    let error = Number.POSITIVE_INFINITY;
    let before = error;
    for (let step = 0; step < steps; ) {
      const next = Math.min(steps, step + stride);
      this.#advance(code, targets, step, next);
      step = next;
      const errors = await this.#errors(code, targets);
      signal?.throwIfAborted();
      error = Math.min(...errors.slice(0, restarts));
      if (step <= 0.9 * steps) before = error;
      onProgress?.({ step, steps, error });
    }
    return this.#result(code, targets, { samples, before });
  }

  async #result(
    code: Variable,
    targets: Tensor4D,
    { samples, before }: { readonly samples: readonly number[]; readonly before: number },
  ): Promise<Projection> {
    const { restarts } = this.#settings;
    const errors = await this.#errors(code as Tensor2D, targets);
    const [best] = nearest(errors.slice(0, restarts));
    const [error, ownSample] = [errors[best], Math.min(...errors.slice(restarts))];
    const sorted = samples.toSorted((a, b) => a - b);
    const [nearestSample, medianSample] = [sorted[0], sorted[Math.floor(sorted.length / 2)]];
    const near = error < 0.5 * nearestSample ? "near" : "far";
    const verdict = error <= Math.max(greyLevel ** 2, near === "near" ? 3 * ownSample : 0) ? "found" : near;
    const found = tidy(() => gather(code, [best]) as Tensor2D);
    return {
      ...{ space: this.#space, code: found, error },
      picture: pictured(this.#gan, (generator) => this.#draw(generator, found)),
      converged: error >= 0.95 * before,
      check: { nearestSample, medianSample, ownSample, verdict },
    };
  }

  /** Codes of random pictures. */
  #codes(purpose: string, count: number): Tensor2D {
    const { seed = 0, label } = this.#settings;
    const { latent } = this.#gan.settings;
    return tidy(() => {
      const z = randomNormal([count, latent], { key: deriveKey(seed, "project", purpose) }) as Tensor2D;
      if (this.#space === "z") return z;
      const mode = modeFor(this.#gan, count, { label });
      return this.#gan.withAverages((generator) => styleGenerator("project", generator).map(z, mode));
    }) as Tensor2D;
  }

  #draw(generator: Parameters<typeof drawn>[0], code: Tensor): Tensor4D {
    const { label } = this.#settings;
    return drawn(generator, code, this.#space, modeFor(this.#gan, code.shape[0], { label }));
  }

  /** Error of each row's picture [N], against as many targets or one for all. */
  #distance(drawn: Tensor4D, targets: Tensor4D): Tensor {
    const { features } = this.#settings;
    const apart = (a: Tensor, b: Tensor): Tensor =>
      mean(square(sub(a, b)), a.shape.map((_, axis) => axis).slice(1));
    // What lies beyond black or white is shown as these, so that it is right where they are wanted.
    const extreme = greaterEqual(abs(targets), 1 - 1 / 255);
    const x = where(extreme, clipByValue(drawn, -1, 1), drawn) as Tensor4D;
    const pixels = apart(x, targets);
    return features === undefined ? pixels : add(pixels, apart(features(x), features(targets)));
  }

  #errors(code: Tensor2D | Variable, targets: Tensor4D): Promise<number[]> {
    return this.#gan.surviving(async () => {
      const errors = tidy(() =>
        this.#gan.withAverages((generator) => this.#distance(this.#draw(generator, code), targets)),
      );
      try {
        return [...(await errors.data())];
      } finally {
        errors.dispose();
      }
    });
  }

  /** Steps in one go, as no step of training comes between. */
  #advance(code: Variable, targets: Tensor4D, from: number, to: number): void {
    const { steps, learningRate = 0.1 } = this.#settings;
    const rate = cosine(learningRate, learningRate / 100);
    this.#gan.withAverages((generator) => {
      for (let step = from; step < to; step++) {
        const { value, grads } = variableGrads(
          () => sum(this.#distance(this.#draw(generator, code), targets)),
          [code],
        );
        this.#adam!.apply({ code: grads[code.name] }, rate(step / steps));
        dispose([value, grads[code.name]]);
      }
      return code;
    });
  }

  #hold<T extends Tensor>(x: T): T {
    this.#held.push(x);
    return x;
  }

  dispose(): void {
    dispose(this.#held);
    this.#adam?.dispose();
  }
}

/** Places of the least numbers first. */
const nearest = (errors: readonly number[]): number[] =>
  Array.from(errors, (_, i) => i).sort((a, b) => errors[a] - errors[b]);
