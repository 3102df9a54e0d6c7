import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { init } from "../../src/init.ts";
import { type Build, chooseBuild, supports } from "../../src/wasm/features.ts";

/** An engine that compiles so many of the probes: simd's is the shorter module. */
function engineWith(...builds: Build[]): void {
  vi.spyOn(WebAssembly, "validate").mockImplementation((bytes) =>
    builds.includes(bytes.byteLength < 36 ? "simd" : "relaxed"),
  );
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("chooseBuild", () => {
  it("takes the fastest build of the engine", () => {
    engineWith("simd", "relaxed");
    expect(chooseBuild()).toBe("relaxed");
    engineWith("simd");
    expect(chooseBuild()).toBe("simd");
  });

  it("takes the build asked for, though a faster one runs", () => {
    engineWith("simd", "relaxed");
    expect(chooseBuild("simd")).toBe("simd");
  });

  it("refuses an engine without SIMD, naming versions that have it", () => {
    engineWith();
    expect(() => chooseBuild()).toThrow(
      expect.objectContaining({
        code: "no-simd",
        message: expect.stringMatching(/Chrome or Edge 91, Firefox 113, Safari 16\.4, Node 20/),
      }),
    );
  });

  it("refuses an engine without WebAssembly", () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(() => chooseBuild()).toThrow(expect.objectContaining({ code: "no-simd" }));
  });

  it("refuses relaxed SIMD where it is missing, naming versions that have it", () => {
    engineWith("simd");
    expect(() => chooseBuild("relaxed")).toThrow(
      expect.objectContaining({
        code: "no-relaxed-simd",
        message: expect.stringMatching(/Chrome 114, Node 22.*Leave `build` out/),
      }),
    );
  });

  it("tells this engine's instructions apart from others", () => {
    expect(supports("simd")).toBe(true);
  });
});

describe("init", () => {
  it("refuses a device or build that there is not, saying which there are", async () => {
    await expect(init({ device: "gpu" as never })).rejects.toThrow(
      /expected device "auto", "wasm" or "webgpu", got "gpu"/,
    );
    for (const build of ["avx", "toString", 3] as never[]) {
      await expect(init({ build })).rejects.toThrow(
        `expected build "simd" or "relaxed", got ${JSON.stringify(build)}`,
      );
    }
  });

  it("gives the same backend again, and makes it the current one", async () => {
    const [first, second] = await Promise.all([init({ build: "simd" }), init()]);
    expect(second).toBe(first);
    tf.registerBackend("other", () => first);
    tf.setBackend("other");
    expect(await init({ build: "simd" })).toBe(first);
    expect(tf.getBackend()).toBe("ganvil");
    tf.removeBackend("other");
  });

  it("starts anew after tf.removeBackend", async () => {
    const first = await init({ build: "simd" });
    tf.removeBackend("ganvil");
    const second = await init({ build: "simd" });
    expect(second).not.toBe(first);
    expect(tf.getBackend()).toBe("ganvil");
  });

  it("keeps the backend when another build cannot be had", async () => {
    const backend = await init({ build: "simd" });
    engineWith("simd");
    await expect(init({ build: "relaxed" })).rejects.toThrow(
      expect.objectContaining({ code: "no-relaxed-simd" }),
    );
    expect(await init()).toBe(backend);
    expect(tf.tidy(() => [...tf.relu([-1, 2]).dataSync()])).toEqual([0, 2]);
  });
});

describe.skipIf(!supports("relaxed"))("init with another build (engines with relaxed SIMD)", () => {
  it("refuses while tensors are alive, whose values would be lost", async () => {
    const backend = await init({ build: "simd" });
    const x = tf.tensor1d([1, 2, 3]);
    await expect(init({ build: "relaxed" })).rejects.toThrow(
      expect.objectContaining({
        code: "backend-in-use",
        message: expect.stringMatching(/no tensors alive when build "simd" gives way to "relaxed", got 1/),
      }),
    );
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    expect(await init()).toBe(backend);
    x.dispose();
  });

  it("swaps the kernels without a warning, and gradients go on working", async () => {
    await init({ build: "simd" });
    const warn = vi.spyOn(console, "warn");
    const [a, b] = await Promise.all([init({ build: "relaxed" }), init({ build: "relaxed" })]);
    expect(b).toBe(a);
    expect(a.module.build).toBe("relaxed");
    const dx = tf.tidy(() =>
      tf
        .grad((x) => tf.sum(tf.tanh(x)))(tf.tensor1d([0, 100]))
        .dataSync(),
    );
    expect([...dx]).toEqual([1, 0]);
    expect(warn).not.toHaveBeenCalled();
    expect(a.heap.bytesInUse).toBe(0);
    await init({ build: "simd" });
  });
});
