import type { Contestant } from "./contestant.ts";
import { serve } from "./serve.ts";

let jax: Contestant;

serve({
  start: async ({ threads = 1 }) => {
    const used = limitThreads(threads);
    ({ jax } = await import("./jax-contestant.ts"));
    return jax.start({ threads: used });
  },
  prepare: (one) => jax.prepare(one),
});

/**
 * As it is loaded, it takes a thread for each core where the engine has Web Workers (which Node has not), and
 * no option says else: for one thread they are kept from it.
 * @returns threads that it will have.
 */
function limitThreads(threads: number): number {
  if (typeof Worker === "undefined" || typeof SharedArrayBuffer === "undefined") return 1;
  if (threads === 1) Object.assign(globalThis, { Worker: undefined });
  else Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
  return threads;
}
