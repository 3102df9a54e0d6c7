import type { Outcomes } from "../answers.ts";
import type { Network } from "../network.ts";
import { networks } from "../networks.ts";

/** Answers the parent process with what `examine` says of each network, or with why there is nothing. */
export async function serve(
  start: () => Promise<void>,
  examine: (network: Network) => Outcomes[string],
): Promise<void> {
  try {
    await start();
    const outcomes = Object.fromEntries(networks.map((network) => [network.name, examine(network)]));
    process.send!({ outcomes });
  } catch (error) {
    process.send!({ failed: (error as Error).stack });
  }
  process.disconnect();
}
