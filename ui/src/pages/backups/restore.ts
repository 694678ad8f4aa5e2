// Going back: the states there are, the files in one of them, and what is asked to be brought back.
import { get, post, Refused } from "../../lib/api";
import type { RunState, Snapshot } from "./backups";

/** `path` to be shown, `key` to be asked for. */
export interface Entry {
  path: string;
  key: string;
  kind: "file" | "folder" | "link" | "other";
  size: number;
  at: string | null;
}
/** What a source brought. */
export interface Root {
  name: string;
  kind: string;
  paths: Entry[];
}
export interface Entries {
  below: string | null;
  roots: Root[];
  entries: Entry[];
  next: string | null;
}
/** What is to come back: whole sources by name, files and folders by key. */
export interface Chosen {
  sources: string[];
  paths: { key: string; path: string }[];
}
export interface Wanted {
  snapshot: string;
  only: string[];
  sources: string[];
  target: { kind: "folder"; path: string } | { kind: "place" };
  hold: boolean;
  password?: string;
}
/** The exchange of praxisd's own data: waits for the next start, done, or none. */
export interface Exchange {
  phase: "none" | "ready" | "underway" | "done" | "failed";
  kind: "restore" | "undo" | null;
  taken: string | null;
  at: string | null;
  ended: string | null;
  before: string | null;
  code: string;
  detail: string;
  seen: boolean;
  undoable: boolean;
  guarded: boolean;
}

export const none = (): Chosen => ({ sources: [], paths: [] });
export const counted = (one: Chosen) => one.sources.length + one.paths.length;
export const nameOf = (path: string) => path.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) || path;

export const snapshots = (medium: string, cursor = "") =>
  get<{ snapshots: Snapshot[]; next: string | null }>(`/backups/snapshots?limit=50${medium ? `&medium=${encodeURIComponent(medium)}` : ""}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
/** What lies directly in a folder of a state; of `""` what was backed up, by source. Names of files: asked for by POST. */
export const entries = (snapshot: string, below: string, password: string, cursor = "") =>
  post<Entries>("/backups/snapshots/entries", { snapshot, below, ...(password ? { password } : {}), ...(cursor ? { cursor } : {}) });
export const restore = (wanted: Wanted) => post<{ run: string }>("/backups/restores", wanted);

/** Which password opens a state, and since when it holds; "" where nobody knows. */
export interface Needed {
  no: string;
  since: string;
}
const LOCKED = ["backups.password_needed", "backups.password_later", "backups.password_wrong", "backups.recovery_key_mistyped"];
/** The password that is needed; null if this is no such refusal, and no restore that ended with one. */
export function passwordNeeded(error: unknown): Needed | null {
  const said = error instanceof Refused ? error : error && typeof error === "object" && "run" in error ? (error as Restored) : null;
  return said && LOCKED.includes(said.code) ? { no: String(said.params.number ?? ""), since: String(said.params.since ?? "") } : null;
}
/** How a restore went, for who may see names. `before`: the folder with what was replaced. */
export interface Restored {
  run: string;
  state: RunState;
  step: string;
  done: number;
  whole: number;
  code: string;
  detail: string;
  target: string;
  files: number;
  bytes: number;
  before: string | null;
  exchange: boolean;
  leftOut: string[];
  namedCount: number;
  named: [string, string][];
  title: string;
  solution: string;
  params: Record<string, string>;
}
