/** A unit that multiplies matrices [m, k]·[k, n] and sums in float32. */
export interface MatrixUnit {
  readonly component: "f16" | "f32";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Threads of a subgroup, which share a matrix. */
  readonly lanes: number;
  /** Threads of the widest subgroup: workgroups are multiples of it. */
  readonly widest: number;
}

/** What large products are multiplied by, with sums in float32. */
export interface Arithmetic {
  /** Factors are rounded to float16. */
  readonly float16: boolean;
  readonly matrixUnit?: MatrixUnit;
  /** In words, with what is not used and why. */
  readonly reason: string;
}

export const float32: Arithmetic = { float16: false, reason: "half precision was not asked for" };

interface Config {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * Threads of a subgroup, as tried: too few leave parts of a product out, which its proof sees, and too many let
 * subgroups idle.
 */
const lanesOfSubgroups = [16, 32, 64];

/** Units to try, in this order: the largest from float16, or else from float32, in subgroups of each size. */
export function matrixUnits(adapter: GPUAdapter, device: GPUDevice): MatrixUnit[] {
  if (!device.features.has(subgroupMatrix)) return [];
  const { subgroupMatrixConfigs, subgroupMinSize, subgroupMaxSize } = adapter.info as unknown as {
    readonly subgroupMatrixConfigs?: Iterable<Config>;
    readonly subgroupMinSize: number;
    readonly subgroupMaxSize: number;
  };
  const sizeOf = ({ M, N, K }: Config) => M * N * K;
  const configs = [...(subgroupMatrixConfigs ?? [])]
    .filter(({ resultComponentType, N }) => resultComponentType === "f32" && N % 4 === 0)
    .sort((a, b) => sizeOf(b) - sizeOf(a));
  for (const component of ["f16", "f32"] as const) {
    const config = configs.find(({ componentType }) => componentType === component);
    if (config === undefined) continue;
    const { M: m, N: n, K: k } = config;
    return lanesOfSubgroups
      .filter((lanes) => lanes >= subgroupMinSize && lanes <= subgroupMaxSize)
      .map((lanes) => ({ component, m, n, k, lanes, widest: subgroupMaxSize }));
  }
  return [];
}

/** A feature that is an experiment still: types do not know it. */
export const subgroupMatrix = "chromium-experimental-subgroup-matrix" as GPUFeatureName;
