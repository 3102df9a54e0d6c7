/** What a program around training shows to people: samples at ticks, speed and time left, findings in words. */
export { runSession, type SessionOptions, type SessionReport } from "./session.ts";
export { deviceInWords, durationInWords, findingInWords } from "./words.ts";
