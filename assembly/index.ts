// The kernels' Wasm ABI: every export of the module stands here, by file.
export * from "./ops/activation-grad";
export * from "./ops/adam";
export * from "./ops/batch-norm";
export * from "./ops/batch-norm-train";
export * from "./ops/binary";
export * from "./ops/broadcast";
export * from "./ops/cast";
export * from "./ops/compare";
export * from "./ops/fill";
export * from "./ops/image";
export * from "./ops/random";
export * from "./ops/reduce";
export * from "./ops/select";
export * from "./ops/softmax";
export * from "./ops/unary";
