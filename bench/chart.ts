import type { Report } from "./report.ts";
export const chart = (_: Report): string => "";
