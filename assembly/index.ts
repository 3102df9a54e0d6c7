// The kernels' Wasm ABI: every export of the module stands here, by file.
export * from "./ops/adam";
export * from "./ops/batch-norm";
export * from "./ops/batch-norm-train";
export * from "./ops/fill";
export * from "./ops/image";
export * from "./ops/random";
