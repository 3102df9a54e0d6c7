import { instantiate } from "./generated/as-bind.js";
import control from "./generated/control.ts";
import { decodeBase64 } from "./load.ts";

/** High-level calls of the control module, through as-bind: strings and typed arrays, never tensors. */
interface ControlExports {
  ping(name: string): string;
}

/** Asks the control module for plans and remembers the answers. */
export class Planner {
  readonly #control: ControlExports;

  constructor(control: ControlExports) {
    this.#control = control;
  }

  ping(name: string): string {
    return this.#control.ping(name);
  }
}

/** Instantiates the control module. */
export async function loadPlanner(): Promise<Planner> {
  const { exports } = await instantiate(decodeBase64(control), {});
  return new Planner(exports as ControlExports);
}
