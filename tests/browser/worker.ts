import { init } from "../../src/index.ts";
import { report } from "./report.ts";

const { module } = await init();
postMessage({ build: module.build, ...(await report()) });
