import type { AnyOp } from "../backend/op.ts";
import { fill } from "./fill.ts";
import { identity, reshape } from "./shape.ts";

/** Every op that `init()` registers. */
export const ops: readonly AnyOp[] = [fill, identity, reshape];
