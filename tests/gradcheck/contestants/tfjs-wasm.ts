import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { serveTfjs } from "./tfjs.ts";

const require = createRequire(join(process.cwd(), "package.json"));
const binary = require.resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm");
setWasmPaths(`${dirname(binary)}/`);
serveTfjs("wasm");
