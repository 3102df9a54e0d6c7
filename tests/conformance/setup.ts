// Imported before the suite, whose files describe their specs while they load.
import { setTestEnvs } from "@tensorflow/tfjs-core/dist/jasmine_util.js";
import jasmineRequire from "jasmine-core/lib/jasmine-core/jasmine.js";
import boot from "jasmine-core/lib/jasmine-core/node_boot.js";

boot(jasmineRequire);
const [, , device] = process.argv.slice(2);
setTestEnvs([{ name: "ganvil", backendName: "ganvil", isDataSync: device === "wasm" }]);
