// jasmine-core 3.99 brings no types, and nothing of it is used by name.
declare module "jasmine-core/lib/jasmine-core/jasmine.js" {
  const jasmineRequire: object;
  export default jasmineRequire;
}
declare module "jasmine-core/lib/jasmine-core/node_boot.js" {
  export default function boot(jasmineRequire: object): object;
}
