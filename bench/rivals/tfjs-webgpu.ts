import { backend } from "@tensorflow/tfjs-core";
import { serve } from "./serve.ts";
import { tfjs, useBackend } from "./tfjs.ts";
import { tfjsContestant } from "./tfjs-contestant.ts";
import { offerWebGpu } from "./web-gpu.ts";

/** What is used here of the backend's class. */
interface WebGpuBackend {
  readonly device: GPUDevice;
  readonly adapterInfo: { readonly vendor: string; readonly architecture: string };
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

const current = () => backend() as unknown as WebGpuBackend;

/** WebGPU's errors throw nowhere: results are zeros. */
let failure: string | undefined;

serve(
  tfjsContestant({
    ...tfjs,
    backend: "webgpu",
    start: async () => {
      await offerWebGpu();
      // It looks for WebGPU when it is loaded.
      const [
        {
          default: { version },
        },
      ] = await Promise.all([
        import("@tensorflow/tfjs-backend-webgpu/package.json"),
        import("@tensorflow/tfjs-backend-webgpu"),
      ]);
      await useBackend("webgpu");
      const { device, adapterInfo } = current();
      device.onuncapturederror = ({ error }) => {
        failure ??= error.message;
      };
      const adapter = `${adapterInfo.vendor} ${adapterInfo.architecture}`;
      const software = /swiftshader|llvmpipe/.test(adapter);
      return { says: `tfjs-backend-webgpu ${version}, as it comes, ${adapter}`, gpu: { adapter, software } };
    },
    gpu: {
      finish: async () => {
        const gpu = current();
        // It submits 15 calls together: fewer would wait for more.
        if (gpu.commandEncoder) {
          gpu.endComputePassEncoder();
          gpu.submitQueue();
        }
        await gpu.device.queue.onSubmittedWorkDone();
        const message = failure;
        failure = undefined;
        if (message !== undefined) throw new Error(`the device refused a command: ${message}`);
      },
      elsewhere: () => new Map(),
    },
  }),
);
