import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Gpu } from "../../src/webgpu/gpu.ts";
import { FlatRegions, GpuArena, type Region, regionBytes } from "../../src/webgpu/memory.ts";
import type { GpuOperand, Shader } from "../../src/webgpu/shader.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.start();
});
afterAll(() => gpu.dispose());

const size = 100;
const operand = (region: Region): GpuOperand => ({ region, shape: [size], dtype: "float32", size });
const values = (value: number) => new Float32Array(size).fill(value);

/** y = factor·x; one name is one text. */
const scaled = (x: Region, y: Region, factor: number, name = "scaled"): Shader => ({
  ...{ name, read: { x: operand(x) }, write: { y: operand(y) }, floats: { factor }, elements: size },
  body: () => "y[i] = u.factor * x[i];",
});

const run = (shader: Shader) => gpu.queue.dispatch(gpu.dispatchOf(shader));
const first = async (region: Region): Promise<number> => {
  const [bytes] = await gpu.finish([gpu.queue.read(region, 4 * size)]);
  const found = new Float32Array(bytes);
  expect(new Set(found).size).toBe(1);
  return found[0];
};

describe("commands", () => {
  it("run in order, uploads among them, whether their shaders are compiled or not", async () => {
    for (const name of ["late", "late", "later"]) {
      const [x, y, z] = [1, 2, 3].map(() => gpu.memory.alloc(4 * size));
      gpu.queue.upload(x, values(1));
      run(scaled(x, y, 10, name));
      gpu.queue.upload(x, values(2));
      const before = gpu.queue.read(y, 4 * size);
      run(scaled(x, z, 10, name));
      gpu.queue.copy(z, y, 4 * size);
      gpu.queue.clear(x);
      const [bytes] = await gpu.finish([before]);
      expect(new Float32Array(bytes)[0]).toBe(10);
      expect([await first(x), await first(y), await first(z)]).toEqual([0, 20, 20]);
      for (const region of [x, y, z]) region.free();
    }
  });

  it("of a thousand calls each have uniforms of their own", async () => {
    const [x, y] = [1, 2].map(() => gpu.memory.alloc(4 * size));
    const sums: (() => Promise<ArrayBuffer>)[] = [];
    gpu.queue.upload(x, values(1));
    for (let i = 0; i < 1000; i++) {
      run(scaled(x, y, i));
      if (i % 100 === 7) sums.push(gpu.queue.read(y, 4));
    }
    const found = (await gpu.finish(sums)).map((bytes) => new Float32Array(bytes)[0]);
    expect(found).toEqual(Array.from({ length: 10 }, (_, i) => 100 * i + 7));
    for (const region of [x, y]) region.free();
  });

  it("copy within one buffer", async () => {
    const flat = new FlatRegions(gpu.memory, [4 * size, 4 * size]);
    const [a, b] = flat.regions;
    gpu.queue.upload(a, values(3));
    gpu.queue.copy(a, b, 4 * size);
    expect(await first(b)).toBe(3);
    for (const region of flat.regions) region.free();
  });

  it("that the device refuses make everything after them fail, saying why", async () => {
    const own = await Gpu.start();
    const x = own.memory.alloc(4 * size);
    own.queue.dispatch(
      own.dispatchOf({
        name: "wrong",
        write: { x: operand(x) },
        elements: size,
        body: () => "x[i] = nonsense;",
      }),
    );
    await expect(own.finish([own.queue.read(x, 4)])).rejects.toMatchObject({
      code: "gpu-validation",
      message: expect.stringMatching(/nonsense/),
    });
    expect(() => own.check()).toThrow(/refused a command/);
    own.dispose();
  });
});

describe("memory", () => {
  it("comes in steps of an eighth and is used again", () => {
    for (const bytes of [1, 256, 257, 5000, 1e6, 123_456_789]) {
      expect(regionBytes(bytes)).toBeGreaterThanOrEqual(bytes);
      expect(regionBytes(bytes)).toBeLessThanOrEqual(Math.max(bytes + 256, bytes * 1.13));
      expect(regionBytes(regionBytes(bytes))).toBe(regionBytes(bytes));
    }
    const a = gpu.memory.alloc(5000);
    a.free();
    expect(gpu.memory.alloc(4900).buffer).toBe(a.buffer);
    a.free();
  });

  it("that is free is bounded, and is given up only when no command can name it", async () => {
    const { memory } = gpu;
    const large = 48 * 2 ** 20;
    const regions = [1, 2, 3].map(() => memory.alloc(large));
    for (const region of regions) gpu.queue.clear(region);
    const inUse = memory.bytesInUse;
    for (const region of regions) region.free();
    expect(memory.bytesReserved - memory.bytesInUse).toBeLessThan(inUse);
    await gpu.finish([]);
    memory.release();
    expect(memory.bytesReserved).toBe(memory.bytesInUse);
  });

  it("of an arena serves again within it, and what is dedicated never does", () => {
    const { memory } = gpu;
    const before = memory.bytesInUse;
    const arena = new GpuArena(memory);
    const a = arena.take(4096);
    const dedicated = arena.takeDedicated(4096);
    a.free();
    dedicated.free();
    const [b, c] = [arena.take(3000), arena.take(4096)];
    expect(b.buffer).toBe(a.buffer);
    expect(c.buffer).not.toBe(dedicated.buffer);
    expect(memory.bytesInUse - before).toBe(3 * 4096);
    arena.dispose();
    expect(memory.bytesInUse).toBe(before);
  });

  it("is refused beyond what the device binds", () => {
    expect(() => gpu.memory.alloc(gpu.memory.largestBytes + 1)).toThrow(/larger than the .* smaller batch/);
  });
});

it("says how many shaders are compiled, while they are", async () => {
  const own = await Gpu.start();
  const seen: string[] = [];
  own.pipelines.onProgress = ({ compiled, asked }) => seen.push(`${compiled}/${asked}`);
  const [x, y] = [1, 2].map(() => own.memory.alloc(4 * size));
  for (const name of ["a", "b", "a"]) own.queue.dispatch(own.dispatchOf(scaled(x, y, 1, name)));
  await own.finish([]);
  expect(seen).toEqual(["0/1", "0/2", "1/2", "2/2"]);
  own.dispose();
});
