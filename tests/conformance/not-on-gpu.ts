/** Specs that ask what a GPU cannot do, and why it cannot; by the ends of their names. */
const specs: readonly (readonly [name: string, reason: string])[] = [
  ["throws when index is out of bound", "the host does not see indices that are on the GPU"],
  [
    "works when inputs are not explicitly initialized on the CPU",
    "the boxes that are kept decide on a shape that is asked for at once",
  ],
  ["depthwiseConv2d gradients ganvil {} throws error on dilations > 1", "it reads values at once"],
];

/** Why a spec does not count where values are on a GPU; undefined for those that do. */
export const notOnGpu = (spec: string): string | undefined =>
  specs.find(([name]) => spec.endsWith(name))?.[1];
