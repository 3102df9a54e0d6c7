import type { InputSpec, OpCase } from "./case.ts";

const specs: Record<string, Omit<InputSpec, "shape">> = {
  float32: {},
  int32: { dtype: "int32", range: [-9, 10] },
  bool: { dtype: "bool", range: [0, 2] },
};

/** One case for each dtype that an op moves without looking at it; float32 differentiates. */
export function inEachDtype(
  name: string,
  shapes: readonly (readonly number[])[],
  { run, reference }: Pick<OpCase, "run" | "reference">,
): OpCase[] {
  return Object.entries(specs).map(([dtype, spec]) => ({
    name: `${name} ${dtype}`,
    inputs: shapes.map((shape) => ({ shape, ...spec })),
    run,
    reference,
    ...(dtype === "float32" ? {} : { gradient: [] }),
  }));
}
