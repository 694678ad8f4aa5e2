// The requirements of a program, judged against what is known of a computer.
import { get } from "../../lib/api";
import type { Change, ProductEntry, Question, Role, Source } from "./diagnosis";

export type State = "not_fulfilled" | "undetermined" | "fulfilled";
export const STATES: State[] = ["not_fulfilled", "undetermined", "fulfilled"];
export const TONES = { fulfilled: "good", not_fulfilled: "bad", undetermined: "plain" } as const;

export interface Machine {
  host: string;
  here: boolean;
  role: Role | null;
  at: string;
  stale: boolean;
  os: string;
  nameFaults: string[];
}
export interface MachineWhole extends Machine {
  rows: { id: string; label: string; value: string | null; reason: string | null }[];
}
export interface Line {
  id: string;
  level: "must" | "should";
  text: string;
  state: State;
  wanted: string;
  measured: string;
  why: string;
  question: string | null;
}
export interface Judged {
  software: string;
  product: string;
  productName: string;
  origin: ProductEntry["origin"];
  source: Source & { ageDays: number };
  host: string;
  role: Role | null;
  at: string;
  lines: Line[];
  changes: Change[];
  questions: Question[];
}

export const machines = async () => (await get<{ machines: Machine[] }>("/machines")).machines;
export const machine = (host: string) => get<MachineWhole>(`/machines/${encodeURIComponent(host)}`);
export function judged(software: string, host: string, role: string, signal?: AbortSignal): Promise<Judged> {
  const query = new URLSearchParams({ software, ...(host && { host }), ...(role && { role }) });
  return get<Judged>(`/requirements?${query.toString()}`, { signal });
}
/** Advice that is not followed is no fault. */
export const toneOf = (line: Line) => (line.state === "not_fulfilled" && line.level === "should" ? "warn" : TONES[line.state]);
/** What is missing first, then what nobody could find out; otherwise as in the source. */
export const order = (a: Line, b: Line) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || Number(a.level === "should") - Number(b.level === "should");
