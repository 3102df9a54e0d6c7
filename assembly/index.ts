// The kernels' Wasm ABI: every export of the module stands here, by file.
export * from "./ops/fill";
