// Changes made elsewhere, as they happen: one stream of events, taken up again where it broke.
//
// A hidden tab lets go of its stream (browsers allow few) and catches up when it is looked at again.
import { over, renew, session } from "./session.svelte";

export interface Change {
  seq: number;
  type: string;
  subjectType: string;
  subjectId: string;
  version: number;
  actor: string;
}

type Listener = { wanted: (change: Change) => boolean; call: (changes: Change[]) => void; pending: Change[]; timer: number };
export const live = $state<{ state: "off" | "connecting" | "live" | "lost" }>({ state: "off" });

const GATHER_MS = 120;
const RETRY_MS = [500, 1000, 2000, 5000];
const SILENT_MS = 40_000;
const RENEWED_MS = 700;
let source: EventSource | null = null;
let cursor = "";
let failures = 0;
let retry = 0;
let watchdog = 0;
const listeners = new Set<Listener>();
const RESET: Change = { seq: 0, type: "reset", subjectType: "*", subjectId: "", version: 0, actor: "" };

/** Call `call` with the changes that are `wanted` (by subject type, or `*` for all), gathered for a moment. */
export function onChange(wanted: string | string[], call: (changes: Change[]) => void): () => void {
  const types = new Set([wanted].flat());
  const one: Listener = {
    wanted: (c) => c.subjectType === "*" || types.has("*") || types.has(c.subjectType),
    call,
    pending: [],
    timer: 0,
  };
  listeners.add(one);
  return () => {
    clearTimeout(one.timer);
    listeners.delete(one);
  };
}

function tell(change: Change): void {
  for (const one of listeners) {
    if (!one.wanted(change)) continue;
    one.pending.push(change);
    one.timer ||= window.setTimeout(() => {
      const found = one.pending;
      one.pending = [];
      one.timer = 0;
      one.call(found);
    }, GATHER_MS);
  }
}

function heard(): void {
  clearTimeout(watchdog);
  watchdog = window.setTimeout(broken, SILENT_MS);
}

function open(): void {
  close();
  if (session.state !== "in" || document.hidden) return;
  if (!cursor) cursor = session.house?.cursor ?? "";
  live.state = live.state === "lost" ? "lost" : "connecting";
  source = new EventSource(`/api/v1/live?since=${encodeURIComponent(cursor)}`);
  source.addEventListener("hello", (event) => {
    failures = 0;
    live.state = "live";
    session.online = true;
    const found = JSON.parse((event as MessageEvent<string>).data) as { cursor: string };
    if (!cursor) cursor = found.cursor;
    heard();
  });
  source.addEventListener("change", (event) => {
    const change = JSON.parse((event as MessageEvent<string>).data) as Change;
    cursor = String(change.seq);
    heard();
    tell(change);
  });
  source.addEventListener("progress", (event) => {
    heard();
    const run = JSON.parse((event as MessageEvent<string>).data) as { run: string };
    tell({ ...RESET, type: "run.progress", subjectType: "Run", subjectId: run.run });
  });
  source.addEventListener("ping", heard);
  source.addEventListener("reset", (event) => {
    cursor = (JSON.parse((event as MessageEvent<string>).data) as { cursor: string }).cursor;
    tell(RESET);
  });
  source.addEventListener("bye", (event) => {
    const { reason } = JSON.parse((event as MessageEvent<string>).data) as { reason: string };
    if (reason === "signed_out") void ended();
    else broken();
  });
  source.onerror = broken;
  heard();
}

/** This session is over. It may be so because another tab signed in anew: its cookie is about to arrive, or has. */
async function ended(): Promise<void> {
  close();
  await new Promise((done) => setTimeout(done, RENEWED_MS));
  if (!(await renew())) over();
  else if (!source) open();
}

function broken(): void {
  close();
  if (document.hidden || session.state !== "in") return;
  live.state = "lost";
  retry = window.setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
}

function close(): void {
  clearTimeout(retry);
  clearTimeout(watchdog);
  source?.close();
  source = null;
}

/** Begin to listen; called once somebody is signed in, and again after signing in anew. */
export function listen(): void {
  if (!source) open();
}

/** Try at once, for the person who does not want to wait. */
export function reconnect(): void {
  failures = 0;
  open();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else open();
});
