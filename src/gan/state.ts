/** A named array of a state, as it is saved. */
export interface StateTensor {
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/**
 * All that a training run needs to go on exactly: weights, EMA, Adam moments as tensors; step, images seen,
 * keys, data cursor and the recipe as strings. Saving, resuming, rolling back and moving between Node and
 * browser are the same operation on it.
 */
export interface TrainingState {
  readonly tensors: Readonly<Record<string, StateTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}
