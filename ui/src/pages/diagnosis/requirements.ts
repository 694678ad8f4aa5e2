// The requirements of a program, judged against what is known of a computer.
import { get } from "../../lib/api";
import type { Change, Question, Role } from "./diagnosis";

export type State = "not_fulfilled" | "undetermined" | "fulfilled";
export const STATES: State[] = ["not_fulfilled", "undetermined", "fulfilled"];
export const TONES = { fulfilled: "good", not_fulfilled: "bad", undetermined: "warn" } as const;

export interface Machine {
  host: string;
  role: Role | null;
  at: string;
  here: boolean;
}
export interface Line {
  id: string;
  level: "must" | "should";
  text: string;
  state: State;
  measured: string;
  wanted: string;
  why: string;
  question: string | null;
}
export interface Judged {
  host: string;
  role: Role | null;
  at: string | null;
  lines: Line[];
  changes: Change[];
  questions: Question[];
}

export const machines = async () => (await get<{ machines: Machine[] }>("/machines")).machines;
export const judged = (software: string, host: string, signal?: AbortSignal) =>
  get<Judged>(`/requirements?software=${encodeURIComponent(software)}${host ? `&host=${encodeURIComponent(host)}` : ""}`, { signal });
/** What is missing first, then what nobody could find out; otherwise as in the source. */
export const order = (a: Line, b: Line) => STATES.indexOf(a.state) - STATES.indexOf(b.state);
