// A take-over of old data as the server keeps it: the file, how it is read, what becomes of it.
import { ask, drop, get, post } from "../../lib/api";

export type State = "uploaded" | "looking" | "looked" | "running" | "stopped" | "done" | "undoing" | "undone" | "undecided" | "failed";
export const BUSY = new Set<State>(["looking", "running", "undoing"]);
export const TONES = {
  uploaded: "plain", looking: "info", looked: "info", running: "info", stopped: "warn", done: "good", undoing: "info", undone: "plain", undecided: "warn", failed: "bad",
} as const;
export type Action = "new" | "merged" | "same" | "refused" | "doubt";
export const ACTIONS: Action[] = ["new", "merged", "doubt", "refused", "same"];
export const ACTION_TONES = { new: "good", merged: "info", same: "plain", refused: "bad", doubt: "warn" } as const;
export const KINDS = ["patient", "treatment", "medication", "risk"];
/** The format that is a table, and has columns to be mapped. */
export const TABLE = "csv";
export interface Reason {
  code: string;
  text: string;
  count: number;
}
export interface Counts extends Record<Action, number> {
  kinds: Record<string, Partial<Record<Action, number>>>;
  reasons: Reason[];
  flaws: Reason[];
  warnings: Reason[];
  leftOut: { what: string; label: string; count: number }[];
}
export interface Options {
  encoding?: string | null;
  delimiter?: string | null;
  header?: boolean | null;
  dateOrder?: string | null;
  mapping?: Record<string, string> | null;
  what?: string;
}
export interface Takeover {
  id: string;
  name: string;
  format: string;
  bytes: number;
  state: State;
  progress: { done: number; total: number };
  counts: Counts;
  options: Options;
  leads: string[];
  origin: string;
  /** Records that somebody has changed since, met by an undo. */
  waiting: number;
  /** Of these, what stays for good. */
  kept: number;
  code: string;
  problem: string;
  sourceGone: boolean;
  createdAt: string;
  createdBy: string;
  changedAt: string;
}
export interface Item {
  no: number;
  kind: string;
  line: number;
  sourceId: string | null;
  action: Action;
  state: "looked" | "applied" | "back" | "kept" | "changed";
  code: string;
  text: string;
  flaw: string;
  flawText: string;
  fields: string[];
  differs: string[];
  patient: string | null;
  name: string | null;
}
export interface Warned {
  line: number;
  code: string;
  text: string;
}
export interface Column {
  name: string;
  field: string | null;
  confidence: number;
  dateAmbiguous: boolean;
  dateMixed: boolean;
  dateExample: string;
}
export interface Preview {
  encoding: string;
  encodingSure: boolean;
  encodings: string[];
  delimiter: string;
  header: boolean;
  columns: Column[];
  rows: string[][];
  fields: string[];
  needed: string[][];
  mappingName: string | null;
  dateOrder: string | null;
  dateAmbiguous: boolean;
}
export interface Look {
  format: string;
  options: Options;
  leads: string[];
  origin: string;
  remember: string;
}

const at = (id: string) => `/exchange/takeovers/${id}`;
export const formats = async () => (await get<{ formats: { name: string; label: string; brings: string[]; gives: string[] }[] }>("/exchange/formats")).formats;
export const list = (background = false) => get<{ takeovers: Takeover[]; next: string | null }>("/exchange/takeovers?limit=50", { background });
export const read = (id: string, background = false) => get<Takeover>(at(id), { background });
export const upload = async (file: File) => (await ask<Takeover>("POST", "/exchange/takeovers", file, { headers: { "X-Praxisd-File-Name": encodeURIComponent(file.name) } })).data;
export const preview = (id: string, options: Options) => post<Preview>(`${at(id)}/preview`, options);
export const look = (id: string, body: Look) => post<Takeover>(`${at(id)}/look`, body);
export const items = (id: string, wanted: { action?: Action; state?: Item["state"]; flawed?: boolean }, cursor: string | null, limit = 50) =>
  post<{ items: Item[]; next: string | null }>(`${at(id)}/items`, { ...wanted, ...(cursor && { cursor }), limit });
export const warnings = (id: string, cursor: string | null) => post<{ warnings: Warned[]; next: string | null }>(`${at(id)}/warnings`, { ...(cursor && { cursor }), limit: 50 });
export const apply = (id: string) => post<Takeover>(`${at(id)}/apply`);
export const stop = (id: string) => post<Takeover>(`${at(id)}/stop`);
export const undo = (id: string, changed: "keep" | "take" | null) => post<Takeover>(`${at(id)}/undo`, changed ? { changed } : {});
export const remove = (id: string) => drop(at(id));
export const total = (counts: Counts) => ACTIONS.reduce((sum, each) => sum + counts[each], 0);
