import {
  add,
  batchNorm,
  conv2d,
  conv2dTranspose,
  dispose,
  div,
  leakyRelu,
  matMul,
  mean,
  moments,
  neg,
  ones,
  randomNormal,
  relu,
  reshape,
  type Scalar,
  softplus,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tidy,
  train,
  type Variable,
  variable,
  variableGrads,
  zeros,
} from "@tensorflow/tfjs-core";
import { adamOptions, type DcganShape, type MlpShape, type StepShape } from "../calls.ts";
import type { Step } from "./tfjs-contestant.ts";

const weight = (shape: number[]): Variable => tidy(() => variable(randomNormal(shape, 0, 0.02)));

/** A layer's function and variables. */
interface Layer {
  readonly variables: readonly Variable[];
  readonly apply: (x: Tensor) => Tensor;
}

const layer = (variables: readonly Variable[], apply: Layer["apply"]): Layer => ({ variables, apply });

const chain = (...layers: readonly Layer[]): Layer =>
  layer(
    layers.flatMap(({ variables }) => variables),
    (x) => layers.reduce((y, { apply }) => apply(y), x),
  );

function bias(channels: number): Layer {
  const offset = tidy(() => variable(zeros([channels])));
  return layer([offset], (x) => add(x, offset));
}

function dense(inputs: number, outputs: number): Layer {
  const w = weight([inputs, outputs]);
  return layer([w], (x) => matMul(x as Tensor2D, w as Tensor as Tensor2D));
}

function down(inputs: number, outputs: number): Layer {
  const filter = weight([4, 4, inputs, outputs]);
  return layer([filter], (x) => conv2d(x as Tensor4D, filter as Tensor as Tensor4D, 2, "same"));
}

function up(inputs: number, outputs: number): Layer {
  const filter = weight([4, 4, outputs, inputs]);
  return layer([filter], (x) => {
    const [batch, height, width] = x.shape;
    const shape: [number, number, number, number] = [batch, height * 2, width * 2, outputs];
    return conv2dTranspose(x as Tensor4D, filter as Tensor as Tensor4D, shape, 2, "same");
  });
}

function norm(channels: number): Layer {
  const scale = tidy(() => variable(ones([channels])));
  const offset = tidy(() => variable(zeros([channels])));
  return layer([scale, offset], (x) => {
    const { mean, variance } = moments(x, [0, 1, 2]);
    return batchNorm(x as Tensor4D, mean as never, variance as never, offset as never, scale as never, 1e-5);
  });
}

const activation = (apply: Layer["apply"]): Layer => layer([], apply);

const leaky = activation((x) => leakyRelu(x, 0.2));

/** [inputs, ...hidden, outputs] with biases. */
function perceptron(widths: readonly number[]): Layer {
  return chain(
    ...widths.slice(1).flatMap((outputs, i) => {
      const stage = [dense(widths[i], outputs), bias(outputs)];
      return i === widths.length - 2 ? stage : [...stage, leaky];
    }),
  );
}

/** Both players. */
interface Players {
  readonly generator: Layer;
  readonly discriminator: Layer;
}

const mlp = ({ latent, hidden, pixels }: MlpShape): Players => ({
  generator: chain(perceptron([latent, ...hidden, pixels]), activation(tanh)),
  discriminator: perceptron([pixels, ...hidden.toReversed(), 1]),
});

const dcgan = ({ latent, widths }: DcganShape): Players => ({
  generator: chain(
    dense(latent, 16 * widths[0]),
    activation((x) => reshape(x, [-1, 4, 4, widths[0]])),
    ...widths.flatMap((width, i) => [norm(width), activation(relu), up(width, widths[i + 1] ?? 3)]),
    bias(3),
    activation(tanh),
  ),
  discriminator: chain(
    ...widths.toReversed().flatMap((width, i, reversed) => {
      const first = i === 0;
      return [down(first ? 3 : reversed[i - 1], width), first ? bias(width) : norm(width), leaky];
    }),
    activation((x) => reshape(x, [x.shape[0], -1])),
    ...[dense(16 * widths[0], 1), bias(1)],
  ),
});

const numbersOf = ({ variables }: Layer): number => variables.reduce((total, { size }) => total + size, 0);

/**
 * A step as a user of TensorFlow.js writes it. It does less than ganvil's: no running statistics, no averaged
 * generator, no check that gradients are finite.
 */
export function tfjsStep(shape: StepShape): Step | { readonly missing: string } {
  if (shape.network === "residual") {
    return { missing: "no convolution in groups, no second derivative of leakyRelu" };
  }
  const { generator: G, discriminator: D } = shape.network === "mlp" ? mlp(shape) : dcgan(shape);
  const { batch, latent } = shape;
  const picture = shape.network === "mlp" ? [shape.pixels] : [shape.resolution, shape.resolution, 3];
  const { learningRate, beta1, beta2 } = adamOptions;
  const optimizers = [train.adam(learningRate, beta1, beta2), train.adam(learningRate, beta1, beta2)];
  const length = picture.reduce((a, b) => a * b, batch);
  const bytes = Float32Array.from({ length }, (_, i) => (i * 37) % 256);

  const turn = (player: Layer, optimizer: (typeof optimizers)[number], loss: () => Scalar): Scalar => {
    const { value, grads } = variableGrads(loss, player.variables as Variable[]);
    optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    dispose(grads);
    return value;
  };

  return {
    parameters: [numbersOf(G), numbersOf(D)],
    run: async () => {
      const real = tidy(() => sub(div(tensor(bytes, [batch, ...picture]), 127.5), 1));
      const fake = () => G.apply(randomNormal([batch, latent]));
      const losses = [
        turn(D, optimizers[0], () =>
          add(mean(softplus(neg(D.apply(real)))), mean(softplus(D.apply(fake())))),
        ),
        turn(G, optimizers[1], () => mean(softplus(neg(D.apply(fake()))))),
      ];
      real.dispose();
      // Read at the step's end, so that a GPU is not waited for in its midst.
      const values = await Promise.all(losses.map((loss) => loss.data()));
      dispose(losses);
      return values.map(([value]) => value);
    },
    dispose: () => {
      dispose([...G.variables, ...D.variables]);
      for (const optimizer of optimizers) optimizer.dispose();
    },
  };
}
