import { describe, expect, it } from "vitest";
import { Gate } from "../../demos/faces/web/gate.ts";
import { LossHistory } from "../../demos/faces/web/loss-history.ts";

/** Lets everything that can go on go on. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("Gate", () => {
  it("lets a loop through that nobody holds", async () => {
    let pauses = 0;
    expect(await new Gate().pass(() => pauses++)).toBe(false);
    expect(pauses).toBe(0);
  });

  it("holds a paused loop until it is told to continue, and says once that it does", async () => {
    const gate = new Gate();
    const events: string[] = [];
    gate.pause();
    const passed = gate.pass(() => events.push("paused")).then((held) => events.push(`passed ${held}`));
    await settled();
    expect(events).toEqual(["paused"]);
    gate.continue();
    await passed;
    expect(events).toEqual(["paused", "passed true"]);
  });

  it("does what is asked between two steps, or at once while the loop is held", async () => {
    const gate = new Gate();
    const done: string[] = [];
    const task = (name: string) => async () => {
      done.push(name);
    };
    gate.ask(task("between"));
    await settled();
    expect(done).toEqual([]);
    await gate.pass(() => {});
    expect(done).toEqual(["between"]);
    gate.pause();
    gate.pass(() => {});
    await settled();
    gate.ask(task("held"));
    await settled();
    expect(done).toEqual(["between", "held"]);
  });
});

describe("LossHistory", () => {
  const points = (count: number, generator: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => ({ kimg: i + 1, generator: generator(i), discriminator: 2 }));

  it("leaves a constant loss as it is, from the first step on", () => {
    const history = new LossHistory();
    for (const point of points(50, () => 0.7)) history.add(point);
    for (const loss of history.columns[1]) expect(loss).toBeCloseTo(0.7, 12);
    for (const loss of history.columns[2]) expect(loss).toBeCloseTo(2, 12);
    expect(history.columns[0]).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it("draws out noise: an alternating loss ends near its mean", () => {
    const history = new LossHistory();
    for (const point of points(400, (i) => i % 2)) history.add(point);
    expect(history.latest?.generator).toBeGreaterThan(0.45);
    expect(history.latest?.generator).toBeLessThan(0.55);
  });

  it("keeps its points few and evenly spaced however long training lasts", () => {
    const history = new LossHistory(100);
    for (const point of points(5000, () => 1)) history.add(point);
    const [kimg] = history.columns;
    expect(kimg.length).toBeGreaterThan(40);
    expect(kimg.length).toBeLessThanOrEqual(100);
    expect(new Set(kimg.slice(1).map((at, i) => at - kimg[i])).size).toBe(1);
    expect(kimg.at(-1)).toBeGreaterThan(4900);
  });
});
