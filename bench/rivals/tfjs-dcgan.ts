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
  tensor4d,
  tidy,
  train,
  type Variable,
  variable,
  variableGrads,
  zeros,
} from "@tensorflow/tfjs-core";
import type { DcganShape, Step } from "./contestant.ts";

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

function generator({ latent, widths: [a, b, c] }: DcganShape): Layer {
  return chain(
    dense(latent, 16 * a),
    activation((x) => reshape(x, [-1, 4, 4, a])),
    ...[norm(a), activation(relu), up(a, b)],
    ...[norm(b), activation(relu), up(b, c)],
    ...[norm(c), activation(relu), up(c, 3), bias(3)],
    activation(tanh),
  );
}

function discriminator({ widths: [a, b, c] }: DcganShape): Layer {
  const leaky = activation((x) => leakyRelu(x, 0.2));
  return chain(
    ...[down(3, c), bias(c), leaky],
    ...[down(c, b), norm(b), leaky],
    ...[down(b, a), norm(a), leaky],
    activation((x) => reshape(x, [x.shape[0], -1])),
    ...[dense(16 * a, 1), bias(1)],
  );
}

/**
 * The DCGAN step as a user of TensorFlow.js writes it. It does less than ganvil's: no running statistics, no
 * averaged generator, no check that gradients are finite.
 */
export function dcgan(shape: DcganShape): Step {
  const { batch, resolution, latent } = shape;
  const G = generator(shape);
  const D = discriminator(shape);
  const optimizers = [train.adam(2e-4, 0.5, 0.99), train.adam(2e-4, 0.5, 0.99)];
  const bytes = new Uint8Array(batch * resolution * resolution * 3).map((_, i) => (i * 37) % 256);

  const turn = async (player: Layer, optimizer: (typeof optimizers)[number], loss: () => Scalar) => {
    const { value, grads } = variableGrads(loss, player.variables as Variable[]);
    optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    const [read] = await value.data();
    dispose([value, ...Object.values(grads)]);
    return read;
  };

  return {
    run: async () => {
      const real = tidy(() =>
        sub(div(tensor4d(bytes, [batch, resolution, resolution, 3], "float32"), 127.5), 1),
      );
      const fake = () => G.apply(randomNormal([batch, latent]));
      const losses = [
        await turn(D, optimizers[0], () =>
          add(mean(softplus(neg(D.apply(real)))), mean(softplus(D.apply(fake())))),
        ),
        await turn(G, optimizers[1], () => mean(softplus(neg(D.apply(fake()))))),
      ];
      real.dispose();
      return losses;
    },
    dispose: () => {
      dispose([...G.variables, ...D.variables]);
      for (const optimizer of optimizers) optimizer.dispose();
    },
  };
}
