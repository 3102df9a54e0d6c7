/** The names of all kernels' families. */
export function ping(name: string): string {
  return "hello " + name;
}
