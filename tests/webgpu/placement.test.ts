import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, it } from "vitest";
import { choose, type Placement } from "../../src/backend/placement.ts";
import { measuredSpeeds } from "../../src/calibrate.ts";
import { createGan, type Gan } from "../../src/gan/gan.ts";
import { init } from "../../src/init.ts";
import { dcgan } from "../../src/recipes/dcgan.ts";
import { useBuild } from "../builds.ts";
import { noisePictures } from "../gan/fixtures.ts";

/** A laptop with a good GPU. */
const speeds: Placement = {
  ...{ wasmGflops: 50, gpuGflops: 2000, wasmGBps: 10, gpuGBps: 200 },
  ...{ uploadGBps: 5, dispatchMs: 0.01 },
};

const work = { flops: 0, bytes: 0, uploadBytes: 0, onGpuOnly: false };

describe("choose", () => {
  it("leaves small work on Wasm and sends large work to the GPU", () => {
    expect(choose(speeds, { ...work, flops: 1e5 }).device).toBe("wasm");
    expect(choose(speeds, { ...work, flops: 1e8 }).device).toBe("webgpu");
    expect(choose(speeds, { ...work, bytes: 1e4 }).device).toBe("wasm");
    expect(choose(speeds, { ...work, bytes: 1e7 }).device).toBe("webgpu");
  });

  it("counts what has to be uploaded", () => {
    const flops = 1e8;
    expect(choose(speeds, { ...work, flops, uploadBytes: 1e5 }).device).toBe("webgpu");
    expect(choose(speeds, { ...work, flops, uploadBytes: 1e7 }).device).toBe("wasm");
  });

  it("follows values that are on the GPU alone", () => {
    expect(choose(speeds, { ...work, onGpuOnly: true })).toMatchObject({ device: "webgpu" });
  });

  it("says what it expected of each device", () => {
    expect(choose(speeds, { ...work, flops: 5e6, uploadBytes: 4096 }).reason).toBe(
      "about 0.10 ms on Wasm, 0.013 ms on the GPU, upload of 4 KB included",
    );
  });
});

describe("auto", () => {
  afterAll(useBuild);

  async function afterSteps(gan: Gan, steps: number): Promise<{ device: string; status: string }> {
    try {
      let done = 0;
      const { batch: count, resolution } = gan.settings;
      for await (const batch of noisePictures({ resolution }).batches({ count, cursor: 0 })) {
        await gan.step(batch);
        if (++done === steps) break;
      }
      return { device: gan.device, status: gan.stepStatus };
    } finally {
      gan.dispose();
    }
  }

  it("leaves a tiny GAN on Wasm and takes a larger one to the GPU, without being told", async () => {
    const backend = await init({ device: "auto", placement: speeds });
    const tiny = createGan(dcgan({ widths: [4, 4, 4], latent: 4, batch: 1 }));
    expect(await afterSteps(tiny, 3)).toEqual({ device: "wasm", status: "captured" });
    // As if Wasm were slower, so that this need not take long on a software GPU.
    await init({ device: "auto", placement: { ...speeds, wasmGflops: 0.2 } });
    const larger = createGan(dcgan({ widths: [8, 8, 4], latent: 4, batch: 2 }));
    expect(await afterSteps(larger, 8)).toEqual({ device: "webgpu", status: "captured" });
    expect(backend.explain("Conv2D")?.device).toBe("webgpu");
    expect(tf.memory().numTensors).toBe(0);
  });

  it("measures both devices, once for each adapter, and leaves nothing behind", async () => {
    const backend = await init({ device: "webgpu" });
    const { gpuBytesInUse, numDataBuffers } = tf.memory() as tf.MemoryInfo & { gpuBytesInUse: number };
    const measured = await measuredSpeeds(backend, backend.gpu!);
    for (const value of Object.values(measured)) expect(value).toBeGreaterThan(0);
    expect(await measuredSpeeds(backend, backend.gpu!)).toBe(measured);
    expect(tf.memory()).toMatchObject({ gpuBytesInUse, numDataBuffers });
  });
});
