/** The element with an id, of the kind that it is in index.html. */
export function element<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`#${id}: expected ${kind.name}, got ${found?.tagName}`);
  return found;
}

/** Writes text into the element with an id. */
export function write(id: string, text: string): void {
  element(id, HTMLElement).textContent = text;
}
