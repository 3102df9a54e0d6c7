import { describe, expect, it } from "vitest";
import { loadKernels } from "../../src/wasm/load.ts";
import { type Conv2dGeometry, loadPlanner, Planner } from "../../src/wasm/planner.ts";

const directions = ["forward", "inputGradient", "filterGradient"] as const;

const layer: Conv2dGeometry = {
  batch: 16,
  inHeight: 16,
  inWidth: 16,
  inChannels: 64,
  outHeight: 8,
  outWidth: 8,
  outChannels: 128,
  filterHeight: 4,
  filterWidth: 4,
  strideHeight: 2,
  strideWidth: 2,
  padTop: 1,
  padLeft: 1,
  dilationHeight: 1,
  dilationWidth: 1,
  groups: 1,
};

describe("planner", () => {
  it("lists the kernels by family", async () => {
    const lines = (await loadPlanner()).catalogue();
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line).toMatch(/^\w+: \w+(, \w+)*: \S/);
  });

  it("lists only kernels that exist", async () => {
    const { kernels } = await loadKernels("simd");
    for (const line of (await loadPlanner()).catalogue()) {
      for (const name of line.split(": ")[1].split(", ")) expect(kernels).toHaveProperty(name);
    }
  });

  it("says what its plans are made for", async () => {
    expect((await loadPlanner()).buildInfo()).toMatch(/tile 4x8, .*AssemblyScript 0\.19/);
  });

  it("asks the control module once for each shape and direction", () => {
    let asked = 0;
    const planner = new Planner({
      catalogue: () => "",
      buildInfo: () => "",
      planConv2d: () => {
        asked++;
        return Float64Array.of(0, 4, 8, 64, 1, 1, 1, 2, 5, 256, 0, 7);
      },
      __collect: () => {},
    });
    const plan = planner.planConv2d(layer, "forward");
    expect(planner.planConv2d({ ...layer }, "forward")).toBe(plan);
    expect(asked).toBe(1);
    expect([...plan.program]).toEqual([7]);
    expect(plan.steps).toEqual([{ kernel: "conv2dFilter", units: 5, scratchBytes: 256, place: 0 }]);
    planner.planConv2d(layer, "inputGradient");
    planner.planConv2d({ ...layer, batch: 8 }, "forward");
    expect(asked).toBe(3);
  });

  it("counts the definition's FLOPs and multiplies no inserted zeros", async () => {
    const planner = await loadPlanner();
    planner.filtering = 0;
    const flops = 2 * 16 * 8 * 8 * 128 * 4 * 4 * 64;
    for (const direction of ["forward", "inputGradient"] as const) {
      const plan = planner.planConv2d(layer, direction);
      expect(plan.flops).toBe(flops);
      expect(plan.cost).toBe(flops);
    }
    const filter = planner.planConv2d(layer, "filterGradient");
    expect(filter.flops).toBe(flops);
    expect(filter.cost / flops).toBeGreaterThan(1);
    expect(filter.cost / flops).toBeLessThan(1.2);
  });

  it("takes channel lanes for depthwise layers, scattering for few channels, GEMM for the rest", async () => {
    const planner = await loadPlanner();
    planner.filtering = 0;
    const depthwise = { ...layer, outChannels: 64, groups: 64 };
    const colours = { ...layer, inChannels: 3 };
    expect(planner.planConv2d(layer, "forward").algorithm).toBe("runs");
    expect(planner.planConv2d(layer, "inputGradient").algorithm).toBe("runs");
    expect(planner.planConv2d(layer, "filterGradient").algorithm).toBe("filter");
    expect(planner.planConv2d(depthwise, "forward").algorithm).toBe("depthwise");
    expect(planner.planConv2d(depthwise, "filterGradient").algorithm).toBe("depthwiseFilter");
    expect(planner.planConv2d(colours, "inputGradient").algorithm).toBe("scatter");
  });

  const same = {
    filterHeight: 3,
    filterWidth: 3,
    strideHeight: 1,
    strideWidth: 1,
    outHeight: 16,
    outWidth: 16,
  };
  const block = { ...layer, ...same, outChannels: 64 };

  it("filters 3x3 layers of stride 1 minimally, in tiles as large as allowed", async () => {
    const planner = await loadPlanner();
    const algorithms = (geometry: Conv2dGeometry) =>
      directions.map((direction) => planner.planConv2d(geometry, direction).algorithm);
    for (const geometry of [block, { ...block, groups: 4 }]) {
      planner.filtering = 4;
      expect(algorithms(geometry)).toEqual(["minimal4", "minimal4", "minimal4"]);
      planner.filtering = 2;
      expect(algorithms(geometry)).toEqual(["minimal2", "minimal2", "minimal2"]);
      planner.filtering = 0;
      expect(algorithms(geometry)).toEqual(["runs", "runs", "filter"]);
    }
  });

  it("counts fewer FLOPs than the definition where it filters minimally", async () => {
    const planner = await loadPlanner();
    for (const direction of directions) {
      const plan = planner.planConv2d(block, direction);
      expect(plan.cost / plan.flops).toBeGreaterThan(36 / (16 * 9));
      expect(plan.cost / plan.flops).toBeLessThan(0.35);
    }
  });

  it("filters minimally neither pictures of few pixels nor layers of few channels", async () => {
    const planner = await loadPlanner();
    const dot = { ...block, inHeight: 1, inWidth: 1, outHeight: 1, outWidth: 1 };
    for (const geometry of [dot, { ...block, inChannels: 3 }, { ...block, groups: 64 }]) {
      for (const direction of directions) {
        expect(planner.planConv2d(geometry, direction).algorithm).not.toMatch(/minimal/);
      }
    }
  });

  it("takes tiles of 2x2, or none, where the transformed filter would take more than 20 MB", async () => {
    const planner = await loadPlanner();
    for (const [channels, algorithm] of [
      [256, "minimal4"],
      [512, "minimal2"],
      [1024, "runs"],
    ] as const) {
      const plan = planner.planConv2d({ ...block, inChannels: channels, outChannels: channels }, "forward");
      expect(plan.algorithm).toBe(algorithm);
    }
  });

  it("takes tiles of 2x2 where those of 4x4 would be mostly outside", async () => {
    const planner = await loadPlanner();
    const tiny = { ...block, inHeight: 2, inWidth: 2, outHeight: 2, outWidth: 2 };
    for (const direction of directions)
      expect(planner.planConv2d(tiny, direction).algorithm).toBe("minimal2");
  });

  it("filters the phases of strided layers minimally, as far as it may and where it pays", async () => {
    const planner = await loadPlanner();
    const algorithms = (geometry: Conv2dGeometry) =>
      directions.map((direction) => planner.planConv2d(geometry, direction).algorithm);
    const colours = { ...layer, inChannels: 3 };
    const single = { ...layer, batch: 1, inHeight: 4, inWidth: 4, outHeight: 2, outWidth: 2 };
    expect(algorithms(layer)).toEqual(["phases4", "phases4", "phases4"]);
    expect(algorithms({ ...layer, filterHeight: 3 })).toEqual(["phases4", "phases4", "phases4"]);
    expect(algorithms(colours)).toEqual(["runs", "scatter", "filter"]);
    expect(algorithms(single)).toEqual(["runs", "runs", "filter"]);
    for (const geometry of [
      { ...layer, strideWidth: 1, outWidth: 15 },
      { ...layer, dilationHeight: 2, padTop: 3 },
      { ...layer, groups: 2 },
      { ...layer, filterHeight: 5 },
    ]) {
      for (const name of algorithms(geometry)) expect(name).not.toMatch(/phases/);
    }
    planner.filtering = 2;
    expect(algorithms(layer)).toEqual(["phases2", "phases2", "phases2"]);
    planner.filtering = 0;
    expect(algorithms(layer)).toEqual(["runs", "runs", "filter"]);
  });

  it("executes fewer FLOPs than the definition where it filters minimally, fewest with large tiles", async () => {
    const planner = await loadPlanner();
    for (const direction of directions) {
      const [small, large] = ([-2, -4] as const).map((tile) => {
        planner.filtering = tile;
        return planner.planConv2d(layer, direction);
      });
      expect(small.cost / small.flops).toBeLessThan(0.8);
      expect(large.cost / small.cost).toBeLessThan(0.85);
    }
  });

  it("takes the thin kernels for pointwise layers with a few channels on one side", async () => {
    const planner = await loadPlanner();
    const one = { filterHeight: 1, filterWidth: 1, strideHeight: 1, strideWidth: 1, padTop: 0, padLeft: 0 };
    const toColours = { ...layer, ...one, outHeight: 16, outWidth: 16, outChannels: 3 };
    const fromColours = { ...toColours, inChannels: 3, outChannels: 64 };
    const whole = { ...layer, strideHeight: 1, strideWidth: 1, padTop: 0, padLeft: 0, outChannels: 1 };
    const critic = { ...whole, inHeight: 4, inWidth: 4, outHeight: 1, outWidth: 1 };
    const algorithms = (geometry: Conv2dGeometry) =>
      directions.map((direction) => planner.planConv2d(geometry, direction).algorithm);
    expect(algorithms(toColours)).toEqual(["thinDots", "thinSpread", "thinFilter"]);
    expect(algorithms(fromColours)).toEqual(["thinSpread", "thinDots", "thinFilter"]);
    expect(algorithms(critic)).toEqual(["thinDots", "thinSpread", "thinFilter"]);
    expect(algorithms({ ...toColours, outChannels: 4 })).not.toContain("thinDots");
    expect(algorithms({ ...toColours, inChannels: 63 })).not.toContain("thinDots");
  });

  it("multiplies no padding where the filter covers the whole picture", async () => {
    const planner = await loadPlanner();
    const whole = { ...layer, strideHeight: 1, strideWidth: 1, padTop: 0, padLeft: 0 };
    const critic = { ...whole, inHeight: 4, inWidth: 4, outHeight: 1, outWidth: 1 };
    const plan = planner.planConv2d(critic, "inputGradient");
    expect(plan.cost).toBe(plan.flops);
  });

  it("needs a workspace of a few pictures, whatever the batch", async () => {
    const planner = await loadPlanner();
    for (const direction of directions) {
      for (const filtering of [0, 2, 4] as const) {
        planner.filtering = filtering;
        const small = planner.planConv2d({ ...layer, batch: 64 }, direction).workspaceBytes;
        const large = planner.planConv2d({ ...layer, batch: 256 }, direction).workspaceBytes;
        expect(large).toBe(small);
        const filtered = planner.planConv2d({ ...block, batch: 256 }, direction);
        expect(filtered.workspaceBytes).toBeLessThan(4e6);
        for (const { scratchBytes } of filtered.steps) expect(scratchBytes).toBeLessThan(2e6);
      }
    }
  });
});
