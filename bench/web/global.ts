// The benchmark library looks for its global object under Node's name, and in a worker finds no other.
Object.assign(globalThis, { global: globalThis });

export {};
