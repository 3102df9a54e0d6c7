// The kernels' Wasm ABI: every export of the module stands here, by file.
export * from "./ops/bias-activation";
export * from "./ops/conv2d";
export * from "./ops/conv2d-depthwise";
export * from "./ops/conv2d-depthwise-filter";
export * from "./ops/conv2d-filter";
export * from "./ops/conv2d-scatter";
export * from "./ops/fill";
export * from "./ops/matmul";
