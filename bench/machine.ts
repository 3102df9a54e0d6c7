import { cpus, totalmem } from "node:os";

/** What figures depend on beside the code. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB?: number;
  /** Node or browser, with its version. */
  readonly runtime: string;
  readonly platform: string;
}

export function machine(): Machine {
  const cores = cpus();
  const { node, v8 } = process.versions;
  return {
    cpu: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    runtime: `Node ${node}, V8 ${v8}`,
    platform: `${process.platform} ${process.arch}`,
  };
}
