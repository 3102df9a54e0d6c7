import { defineConfig } from "vitest/config";

// Node 20 has relaxed SIMD behind a flag, later versions without; both builds run everywhere.
const relaxedFlag = process.versions.node.startsWith("20.") ? ["--experimental-wasm-relaxed-simd"] : [];

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "simd",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/browser/**"],
          environment: "node",
          provide: { build: "simd" },
        },
      },
      {
        extends: true,
        test: {
          name: "relaxed",
          // What the choice of kernels can change: the ops, and what is trained with them.
          include: ["tests/{ops,gan,optim}/**/*.test.ts"],
          environment: "node",
          provide: { build: "relaxed" },
          execArgv: relaxedFlag,
        },
      },
    ],
  },
});
