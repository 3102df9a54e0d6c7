import { type Array as JaxArray, jit, nn, numpy as np, random, tree, valueAndGrad } from "@jax-js/jax";
import { adamOptions, type MlpShape } from "../calls.ts";
import { adamRates, adamUpdate } from "./jax-calls.ts";

/** Weight and bias of each layer in turn. */
type Weights = JaxArray[];

/** Of one player: weights, both moments. */
type State = [weights: Weights, first: Weights, second: Weights];

function perceptron(weights: Weights, x: JaxArray): JaxArray {
  let y = x;
  for (let i = 0; i < weights.length; i += 2) {
    y = np.matmul(y, weights[i]).add(weights[i + 1]);
    if (i + 2 < weights.length) y = nn.leakyRelu(y, 0.2);
  }
  return y;
}

const shapesOf = (widths: readonly number[]): number[][] =>
  widths.slice(1).flatMap((outputs, i) => [[widths[i], outputs], [outputs]]);

function start(widths: readonly number[], seed: number): State {
  const weights = shapesOf(widths).map((shape, i) =>
    shape.length === 1 ? np.zeros(shape) : random.normal(random.key(seed + i), shape).mul(0.02),
  );
  const zeros = () => shapesOf(widths).map((shape) => np.zeros(shape));
  return [weights, zeros(), zeros()];
}

const refs = (arrays: Weights): Weights => arrays.map((array) => array.ref);

function updated([weights, first, second]: State, gradients: Weights, rates: [JaxArray, JaxArray]): State {
  const results = weights.map((value, i) =>
    adamUpdate([value, first[i], second[i], gradients[i]], [rates[0].ref, rates[1].ref], adamOptions),
  );
  return [results.map(([value]) => value), results.map(([, m]) => m), results.map(([, , v]) => v)];
}

const softplusMean = (x: JaxArray): JaxArray => np.mean(nn.softplus(x));

/** The whole step of a multilayer perceptron's GAN as one compiled function, with its gradients and Adam. */
export function jaxMlp({ batch, latent, hidden, pixels }: MlpShape) {
  const generate = (weights: Weights, key: JaxArray) =>
    np.tanh(perceptron(weights, random.normal(key, [batch, latent])));
  const step = jit(
    (G: State, D: State, bytes: JaxArray, keys: JaxArray[], rate1: JaxArray, rate2: JaxArray) => {
      const real = bytes.div(127.5).sub(1);
      const fake = generate(refs(G[0]), keys[0]);
      const [lossD, gradientD] = valueAndGrad((weights: Weights) =>
        softplusMean(perceptron(refs(weights), real).neg()).add(softplusMean(perceptron(weights, fake))),
      )(refs(D[0]));
      const newD = updated(D, gradientD as Weights, [rate1.ref, rate2.ref]);
      const [lossG, gradientG] = valueAndGrad((weights: Weights) =>
        softplusMean(perceptron(refs(newD[0]), generate(weights, keys[1])).neg()),
      )(refs(G[0]));
      const newG = updated(G, gradientG as Weights, [rate1, rate2]);
      return [newG, newD, lossD, lossG] as [State, State, JaxArray, JaxArray];
    },
  );
  const widths = { G: [latent, ...hidden, pixels], D: [pixels, ...hidden.toReversed(), 1] };
  let G = start(widths.G, 0);
  let D = start(widths.D, 100);
  let steps = 0;
  const bytes = Float32Array.from({ length: batch * pixels }, (_, i) => (i * 37) % 256);
  const count = (widths: readonly number[]) =>
    shapesOf(widths).reduce((total, shape) => total + shape.reduce((a, b) => a * b), 0);
  return {
    parameters: [count(widths.G), count(widths.D)],
    run: async (): Promise<number[]> => {
      steps++;
      const real = np.array(new Float32Array(bytes)).reshape([batch, pixels]);
      const keys = [random.key(2 * steps), random.key(2 * steps + 1)];
      const [newG, newD, lossD, lossG] = step(G, D, real, keys, ...adamRates(steps, adamOptions));
      [G, D] = [newG, newD];
      return [(await lossD.data())[0], (await lossG.data())[0]];
    },
    dispose: () => {
      tree.dispose(G);
      tree.dispose(D);
      step.dispose();
    },
  };
}
