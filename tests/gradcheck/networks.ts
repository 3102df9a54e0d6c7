import { blockNetworks } from "./blocks.ts";
import type { Network } from "./network.ts";
import { opNetworks } from "./ops.ts";

/** All networks whose penalty is checked; names are unique. */
export const networks: readonly Network[] = [...opNetworks, ...blockNetworks];
