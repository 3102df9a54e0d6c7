/** Where a loop stops between two steps: for as long as it is paused, and to do what others ask for. */
export class Gate {
  #paused = false;
  readonly #tasks: (() => Promise<void>)[] = [];
  #wake = (): void => {};

  pause(): void {
    this.#paused = true;
  }

  continue(): void {
    this.#paused = false;
    this.#wake();
  }

  /** Has `task` done at the next step's end, or now where the loop is waiting. */
  ask(task: () => Promise<void>): void {
    this.#tasks.push(task);
    this.#wake();
  }

  /**
   * Awaited by the loop after each step.
   * @param onPause called once when the loop stops here
   * @returns whether it did
   */
  async pass(onPause: () => void): Promise<boolean> {
    let stopped = false;
    for (;;) {
      for (const task of this.#tasks.splice(0)) await task();
      if (!this.#paused) return stopped;
      if (!stopped) onPause();
      stopped = true;
      if (this.#tasks.length > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
