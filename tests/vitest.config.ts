import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { chromium, softwareGpu } from "./browser/chromium.ts";

// Dawn looks for a driver when a process starts; those of the tests inherit it.
Object.assign(process.env, await softwareGpu());

// Node 20 has relaxed SIMD behind a flag, later versions without; both builds run everywhere.
const relaxedFlag = process.versions.node.startsWith("20.") ? ["--experimental-wasm-relaxed-simd"] : [];

// A page sent with these is cross-origin isolated: it may share memory with its workers.
const isolated = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // All of two cores: by default one would be left idle.
    maxWorkers: "100%",
    projects: [
      {
        extends: true,
        test: {
          name: "simd",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/{browser,cli,demos,package,pages,webgpu}/**"],
          environment: "node",
          provide: { build: "simd", threads: 1, device: "wasm" },
        },
      },
      {
        extends: true,
        test: {
          name: "threads",
          // Every op once more with its pieces on two threads, whatever comes first.
          include: ["tests/ops/ops.test.ts"],
          environment: "node",
          provide: { build: "simd", threads: 2, device: "wasm" },
        },
      },
      {
        extends: true,
        test: {
          name: "relaxed",
          // What the choice of kernels can change: the ops, their host, and what is trained with them.
          include: ["tests/{backend,gan,gradcheck,ops,optim,tfjs,wasm}/**/*.test.ts"],
          environment: "node",
          provide: { build: "relaxed", threads: 1, device: "wasm" },
          execArgv: relaxedFlag,
        },
      },
      {
        extends: true,
        test: {
          name: "webgpu",
          // Every op on the GPU, and what is built on them; the GPU is a software one where there is no other.
          include: ["tests/ops/{ops,batch-norm-train,random}.test.ts", "tests/webgpu/**/*.test.ts"],
          environment: "node",
          setupFiles: ["tests/webgpu/setup.ts"],
          testTimeout: 180_000,
          provide: { build: "simd", threads: 1, device: "webgpu" },
        },
      },
      {
        extends: true,
        server: { headers: isolated },
        // Found while tests run, it would be bundled then and the page reloaded under them.
        optimizeDeps: { include: ["@tensorflow/tfjs-core", "fast-check"] },
        test: {
          name: "browser",
          include: ["tests/{browser,ops}/**/*.test.ts"],
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: await chromium() }),
            instances: [
              {
                browser: "chromium",
                name: "browser simd",
                provide: { build: "simd", threads: 1, device: "wasm" },
              },
              {
                browser: "chromium",
                name: "browser relaxed",
                provide: { build: "relaxed", threads: 1, device: "wasm" },
              },
              {
                browser: "chromium",
                name: "browser webgpu",
                // Every op on the browser's own WebGPU.
                include: ["tests/ops/ops.test.ts"],
                testTimeout: 180_000,
                provide: { build: "relaxed", threads: 1, device: "webgpu" },
              },
            ],
          },
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          // What users run: the command, the demos, pages, and the package installed from the registry and built into a page.
          include: ["tests/{cli,demos,package,pages}/**/*.test.ts"],
          environment: "node",
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
