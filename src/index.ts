export { CheckpointError, DataError, DeviceError, GanvilError, NonFiniteError } from "./errors.ts";
export { type Device, type InitOptions, init } from "./init.ts";
