import { engine, type Tensor, tidy, type Variable, variable, zeros } from "@tensorflow/tfjs-core";
import { currentBackend } from "../backend/backend.ts";
import { copyOf } from "../backend/copy.ts";
import { callMany, type Live, type LiveAttrs } from "../backend/op.ts";
import {
  type AdamAttrs,
  type AdamStepsAttrs,
  adamOp,
  adamRestoreOp,
  adamStepsOp,
  assignOp,
  emaOfMeansOp,
  emaOp,
  noStep,
  type RowSize,
} from "./adam.ts";

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

/**
 * average ← decay·average + (1 − decay)·mean over the first axis of `values` [groups, ...], in place.
 * @throws RangeError, TypeError unless both are float32, values of the average's shape after the first axis, and
 *   decay is in [0, 1].
 */
export function emaOfMeansStep(average: Variable, values: Tensor, decay: Live<number>): void {
  callMany(emaOfMeansOp, { average: own(average), values }, { decay: decay as number });
}

/** A variable with what Adam needs of it, and an average that follows it, if any. */
export interface AdamRow {
  readonly param: Variable;
  readonly m: Variable;
  readonly v: Variable;
  readonly gradient: Tensor;
  readonly average?: Variable;
}

/** A tensor that Adam does not change, and an average that follows it. */
export interface AverageRow {
  readonly param: Tensor;
  readonly average: Variable;
}

export interface AdamStepsOptions extends LiveAttrs<AdamAttrs> {
  /** Of the averages; default 1: they stay. */
  readonly decay?: Live<number>;
  /** Gets every param, m and v as they were before: float32 of three times their number. See `restoreSteps`. */
  readonly undo?: Variable;
}

function rowCall(rows: readonly (AdamRow | AverageRow)[], { undo, decay = 1, ...adam }: AdamStepsOptions) {
  const inputs: Tensor[] = [];
  for (const row of rows) {
    if ("m" in row) inputs.push(own(row.param), own(row.m), own(row.v), row.gradient);
    else inputs.push(row.param);
    if (row.average) inputs.push(own(row.average));
  }
  const sizes = rows.map((row): RowSize => ("m" in row ? (row.average ? 5 : 4) : 2));
  if (undo) inputs.push(own(undo));
  const attrs: LiveAttrs<AdamStepsAttrs> = { ...adam, decay, rows: sizes, undo: undo !== undefined };
  return [inputs as never, attrs as never] as const;
}

/**
 * One step of Adam over many variables in one pass over memory and one kernel call, in place; averages follow in
 * the same pass: average ← decay·average + (1 − decay)·param, with the param's new value. The bits are those of
 * `adamStep` and `emaStep`, and so are the conditions.
 * @throws RangeError, TypeError unless each row is float32 of one shape; nothing is written then.
 */
export function adamSteps(rows: readonly (AdamRow | AverageRow)[], options: AdamStepsOptions): void {
  engine().runKernel(adamStepsOp.name, ...rowCall(rows, options));
}

/** `emaStep` for many averages at once, in one kernel call. */
export function emaSteps(rows: readonly AverageRow[], decay: Live<number>): void {
  adamSteps(rows, { ...noStep, decay });
}

/** Undoes `adamSteps` of the same rows, apart from the averages, by what it wrote to `undo`. */
export function restoreSteps(rows: readonly AdamRow[], undo: Variable): void {
  engine().runKernel(adamRestoreOp.name, ...rowCall(rows, { ...noStep, undo }));
}
