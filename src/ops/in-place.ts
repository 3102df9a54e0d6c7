import { type Tensor, tidy, type Variable, variable, zeros } from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
import { copyOf } from "../backend/compile.ts";
import { callMany, type Live, type LiveAttrs } from "../backend/op.ts";
import { type AdamAttrs, adamOp, assignOp, emaOp } from "./adam.ts";

/** A variable, not trainable, with the tensor's present values in memory of its own. */
export function variableLike(x: Tensor): Variable {
  return tidy(() => variable(copyOf(currentBackend(), x), false));
}

/** A variable of the tensor's shape, not trainable, zero everywhere. */
export function zeroVariable(x: Tensor): Variable {
  return tidy(() => variable(zeros(x.shape), false));
}

/** Gives the variable values of its own where a clone or a tape still holds them, so that it can be written to. */
function own(target: Variable): Variable {
  const backend = currentBackend();
  const { recorder } = backend.executor;
  if (backend.refCount(target.dataId) !== 1) {
    if (recorder !== undefined) recorder.postponed = true;
    tidy(() => target.assign(copyOf(backend, target)));
  }
  recorder?.updated.add(target.dataId);
  return target;
}

/**
 * target ← value, in place; clones of the target keep their values.
 * @throws RangeError, TypeError unless both are float32 of one shape.
 */
export function assignStep(target: Variable, value: Tensor): void {
  callMany(assignOp, { target: own(target), value }, {});
}

/**
 * One step of Adam (Kingma & Ba 2014, arXiv 1412.6980), in place: param, m and v are updated, in one pass over
 * memory. Clones of them keep their values. Call it after the tidy that computed the gradients has ended:
 * what the tape still holds has to be copied first.
 * @throws RangeError, TypeError unless all are float32 of one shape.
 */
export function adamStep(
  param: Variable,
  m: Variable,
  v: Variable,
  gradient: Tensor,
  attrs: LiveAttrs<AdamAttrs>,
): void {
  callMany(adamOp, { param: own(param), m: own(m), v: own(v), gradient }, { ...attrs } as AdamAttrs);
}

/**
 * average ← decay·average + (1 − decay)·value, in place; clones of the average keep their values.
 * @throws RangeError, TypeError unless both are float32 of one shape and decay is in [0, 1].
 */
export function emaStep(average: Variable, value: Tensor, decay: Live<number>): void {
  callMany(emaOp, { average: own(average), value }, { decay: decay as number });
}
