// The kernels' Wasm ABI: every export of the module stands here, by file.
export * from "./ops/copy-strided";
export * from "./ops/fill";
export * from "./ops/gather";
export * from "./ops/pool";
export * from "./ops/resize";
export * from "./ops/sequence";
