export { buildInfo, catalogue } from "./catalogue";
export { planConv2d } from "./plan-conv2d";
