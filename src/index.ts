export { type Device, type InitOptions, init } from "./backend/init.ts";
export { CheckpointError, DataError, DeviceError, GanvilError, NonFiniteError } from "./errors.ts";
export { spaceToDepth } from "./ops/space-depth.ts";
