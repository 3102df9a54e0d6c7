/** Independent sums of a thread, four lanes each: enough to hide a multiplication's latency. */
const sums = 8;
/** Times that the loop's body is written out. */
const unrolled = 8;
const threads = 256;
const groups = { hardware: 8192, software: 16 };
const flopsPerRound = sums * unrolled * 4 * 2;

const shader = `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<uniform> u: vec4f;
@compute @workgroup_size(${threads})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) n: vec3u) {
  let a = vec4f(u.x);
  let b = vec4f(u.y);
${Array.from({ length: sums }, (_, i) => `  var s${i} = vec4f(f32(id.x) + ${i}.0);`).join("\n")}
  for (var i = 0u; i < u32(u.z); i++) {
${Array.from({ length: sums * unrolled }, (_, i) => `    s${i % sums} = fma(s${i % sums}, a, b);`).join("\n")}
  }
  let total = ${Array.from({ length: sums }, (_, i) => `s${i}`).join(" + ")};
  y[id.x] = total.x + total.y + total.z + total.w;
}
`;

/** A sample's length at least, in seconds; and samples. */
const least = 0.02;
const samples = 5;

/** FLOP/s of multiplications and additions in registers alone: the best of some runs. */
export async function measuredGpuPeak(device: GPUDevice, software: boolean): Promise<number> {
  const count = software ? groups.software : groups.hardware;
  const usage = GPUBufferUsage.STORAGE;
  const y = device.createBuffer({ size: 4 * threads * count, usage });
  const uniforms = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  const module = device.createShaderModule({ code: shader });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const entries = [y, uniforms].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const elapsed = async (rounds: number): Promise<number> => {
    // Far from overflow and from denormal numbers however often it is repeated.
    device.queue.writeBuffer(uniforms, 0, new Float32Array([0.5, 1, rounds, 0]));
    await device.queue.onSubmittedWorkDone();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(count);
    pass.end();
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / 1000;
  };
  let rounds = 16;
  while ((await elapsed(rounds)) < least) rounds *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < samples; i++) best = Math.min(best, await elapsed(rounds));
  y.destroy();
  uniforms.destroy();
  return (flopsPerRound * rounds * threads * count) / best;
}
