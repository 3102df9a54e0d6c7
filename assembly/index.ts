// The kernels' Wasm ABI: every export of the module stands here, by file.
export * from "./ops/activation-grad";
export * from "./ops/binary";
export * from "./ops/broadcast";
export * from "./ops/cast";
export * from "./ops/compare";
export * from "./ops/copy-strided";
export * from "./ops/fill";
export * from "./ops/gather";
export * from "./ops/pool";
export * from "./ops/reduce";
export * from "./ops/resize";
export * from "./ops/select";
export * from "./ops/sequence";
export * from "./ops/softmax";
export * from "./ops/unary";
