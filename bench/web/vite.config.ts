import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// A page sent with these is cross-origin isolated: it may share memory with its workers.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export default defineConfig({
  root: here("."),
  server: { headers, fs: { allow: [here("../..")] } },
  resolve: { alias: [{ find: /^benchmark$/, replacement: here("benchmark.ts") }] },
  worker: { format: "es" },
  // Found while a worker starts, they would be bundled then and the page reloaded.
  optimizeDeps: {
    include: [
      "@tensorflow/tfjs-core",
      "@tensorflow/tfjs-core/dist/register_all_gradients.js",
      "@tensorflow/tfjs-backend-cpu",
      "@tensorflow/tfjs-backend-wasm",
      "@tensorflow/tfjs-backend-webgpu",
      "@jax-js/jax",
      "onnxruntime-web/wasm",
      ...["benchmark/benchmark.js", "lodash", "platform"],
    ],
  },
});
