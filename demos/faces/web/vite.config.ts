import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

const headers = {
  // Isolated from other origins: the page may share memory with its workers.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  // Nothing is asked of, or told to, any other machine.
  "Content-Security-Policy": [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "worker-src 'self' blob:",
  ].join("; "),
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  server: { headers, fs: { allow: [repository] } },
  preview: { headers },
  worker: { format: "es" },
  // Found while the worker starts, they would be bundled then and the page reloaded.
  optimizeDeps: {
    include: ["@tensorflow/tfjs-core", "@dicebear/core", "@dicebear/collection", "fast-png", "uplot"],
  },
  build: { outDir: `${repository}runs/faces-web`, emptyOutDir: true },
});
