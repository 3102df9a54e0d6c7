import { type customGrad as CustomGrad, engine, type GradSaveFunc, type Tensor } from "@tensorflow/tfjs-core";

/** What `tf.customGrad` takes. */
type CustomGradient<T extends Tensor> = Parameters<typeof CustomGrad<T>>[0];

const mended = new WeakSet<object>();

/** A second handle on a tensor: the same id and values, disposed apart, so that it outlives the first. */
function handleOn<T extends Tensor>(x: T): T {
  return Object.assign(Object.create(Object.getPrototypeOf(x)), x);
}

/**
 * Lets ops that TensorFlow.js writes by `customGrad` differentiate again.
 *
 * What such an op saves is cloned while the engine records nothing, so for an outer tape the clone came from
 * nowhere and counts as a constant: the second derivative of `tf.logSoftmax` silently lacks a term. Tapes link
 * tensors by their ids, so here the clone of a result takes the result's id. And a gradient may read the op's
 * inputs without saving them (`tf.logSigmoid` does), when the scope that held them is gone: here they are
 * saved for it.
 */
export function linkCustomGradients(): void {
  const host = engine();
  if (mended.has(host)) return;
  mended.add(host);
  const customGrad = host.customGrad.bind(host);
  host.customGrad = <T extends Tensor>(f: CustomGradient<T>) =>
    customGrad<T>((...given) => {
      const save = given.pop() as GradSaveFunc;
      const inputs = given as Tensor[];
      const handles = inputs.map(handleOn);
      let kept: readonly Tensor[] = [];
      const { value, gradFunc } = f(...handles, (tensors) => {
        kept = tensors;
      });
      save([...kept, ...inputs]);
      const passed = handles.indexOf(value);
      return {
        value: passed < 0 ? value : (inputs[passed] as T),
        gradFunc: (dy, saved) => {
          for (const [i, tensor] of kept.entries()) {
            if (tensor === value) Object.assign(saved[i], { id: value.id });
          }
          return gradFunc(dy, saved.slice(0, kept.length));
        },
      };
    });
}
