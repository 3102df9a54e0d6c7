/** Activations that biasActivation applies, by number. */
const enum Activation {
  Linear,
  Relu,
  Relu6,
  LeakyRelu,
  Prelu,
  Elu,
  Sigmoid,
}

/**
 * y[i] = activation(y[i] + bias[i mod biasSize]) for n float32, in place; biasSize 0 adds nothing.
 *
 * `activation`: 0 linear, 1 relu, 2 relu6, 3 leakyRelu (slope), 4 prelu (slopes[i mod slopesSize]), 5 elu,
 * 6 sigmoid. NaN stays NaN. The last two are within 2 ulp of the correctly rounded result.
 */
export function biasActivation(
  y: usize,
  n: i32,
  bias: usize,
  biasSize: i32,
  activation: i32,
  slope: f32,
  slopes: usize,
  slopesSize: i32,
): void {
  const end = y + ((<usize>n) << 2);
  const biasEnd = bias + ((<usize>biasSize) << 2);
  const slopesEnd = slopes + ((<usize>slopesSize) << 2);
  const straight = activation <= Activation.LeakyRelu && biasSize % 4 == 0;
  let b = bias;
  let s = slopes;
  if (straight) {
    const zero = f32x4.splat(0);
    const six = f32x4.splat(6);
    const factor = f32x4.splat(slope);
    for (; y + 16 <= end; y += 16) {
      let v = v128.load(y);
      if (biasSize != 0) {
        v = f32x4.add(v, v128.load(b));
        b += 16;
        if (b == biasEnd) b = bias;
      }
      if (activation == Activation.LeakyRelu) {
        v = v128.bitselect(f32x4.mul(v, factor), v, f32x4.lt(v, zero));
      } else if (activation != Activation.Linear) {
        v = f32x4.max(v, zero);
        if (activation == Activation.Relu6) v = f32x4.min(v, six);
      }
      v128.store(y, v);
    }
  }
  for (; y < end; y += 4) {
    let v = load<f32>(y);
    if (biasSize != 0) {
      v += load<f32>(b);
      b += 4;
      if (b == biasEnd) b = bias;
    }
    switch (activation) {
      case Activation.Relu:
        if (v < 0) v = 0;
        break;
      case Activation.Relu6:
        v = v < 0 ? 0 : v > 6 ? 6 : v;
        break;
      case Activation.LeakyRelu:
        if (v < 0) v *= slope;
        break;
      case Activation.Prelu:
        if (v < 0) v *= load<f32>(s);
        s += 4;
        if (s == slopesEnd) s = slopes;
        break;
      case Activation.Elu:
        if (v < 0) v = NativeMathf.expm1(v);
        break;
      case Activation.Sigmoid:
        v = 1 / (1 + NativeMathf.exp(-v));
        break;
    }
    store<f32>(y, v);
  }
}
