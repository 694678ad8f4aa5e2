// Backups as the server knows them: the plan, media, runs and states, and the words for them.
import { download, get, post } from "../../lib/api";
import { date, dateLong, isoWeekday, moment, number, time, weekday, weekdays } from "../../lib/format";
import { has, lang, t } from "../../lib/i18n.svelte";
import { failed } from "../../lib/toasts.svelte";
import type { Plan } from "./plan";

export const b = (key: string, params: Record<string, string | number> = {}) => t(`console.backups.${key}`, params);
/** A word of a fixed list; the code itself where there is none. */
export const word = (list: string, code: string) => (has(`console.backups.${list}.${code}`) ? b(`${list}.${code}`) : code);

export type Action = "start" | "insert" | "confirm_moved" | "check_log" | null;
/** Something to say to people: what it is, what to do, and the click for it. */
export interface Said {
  code: string;
  title: string;
  hint: string;
  subject: string;
  action: Action;
}
export type RunKind = "backup" | "verify" | "prove" | "restore" | "move";
export type RunState = "waiting" | "running" | "good" | "warning" | "failed" | "interrupted";
export interface Figures {
  bytes: number;
  files: number;
  added: number;
  seconds: number;
}
export interface Run {
  id: string;
  kind: RunKind;
  day: string;
  job: string | null;
  slot: string;
  label: string;
  medium: string;
  mediumLabel: string;
  state: RunState;
  step: string;
  done: number;
  whole: number;
  began: string | null;
  ended: string | null;
  asked: string;
  by: string;
  code: string;
  title: string;
  solution: string;
  detail: string;
  /** The code of what a run that waits is waiting for. */
  waits: string;
  figures: Figures | null;
  namedCount: number;
  snapshot: string;
}
export type Place = "drive" | "safe" | "outside";
export interface Medium {
  id: string;
  label: string;
  slot: string;
  slotLabel: string;
  kind: "removable" | "nas" | "remote" | "folder";
  place: Place | null;
  person: string;
  since: string | null;
  written: string | null;
  held: boolean;
  retired: boolean;
  drive: string | null;
  driveLabel: string | null;
  free: number | null;
  states: number;
  passwords: number[];
  lockedUntil: string | null;
}
export interface Overview {
  day: string;
  plan: Plan | null;
  engine: { ok: boolean; version: string; problem: { title: string; cause: string; solution: string } | null };
  words: Said[];
  next: { job: string; slot: string; label: string; at: string; start: "desk" | "time" } | null;
  running: Run | null;
  last: Run | null;
  lastGood: Run | null;
  protected: { state: "green" | "yellow" | "red" | "none"; since: string | null; why: string };
  check: { day: string | null; due: boolean; by: string; at: string | null };
  proof: { at: string; good: boolean } | null;
  media: Medium[];
}
/** A state on a medium, to go back to. */
export interface Snapshot {
  id: string;
  medium: string;
  label: string;
  at: string;
  day: string;
  no: number;
  good: boolean;
  verified: "none" | "structure" | "part" | "all";
  verifiedAt: string | null;
  proven: string | null;
  held: boolean;
  passwords: { no: number; since: string }[];
  bytes: number;
  files: number;
  gone: string | null;
}

export const overview = (background = false, signal?: AbortSignal) => get<Overview>("/backups/overview", { background, signal });
export const startRun = (body: { job?: string; medium?: string } = {}) => post<Run>("/backups/runs", body);
export const stopRun = (id: string) => post<unknown>(`/backups/runs/${encodeURIComponent(id)}/stop`);

export const TONES = { waiting: "info", running: "info", good: "good", warning: "warn", failed: "bad", interrupted: "warn" } as const;
export const ends = (one: { state: RunState }) => one.state !== "waiting" && one.state !== "running";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
/** `1,2 GB`: as disks count, by thousands. */
export function size(bytes: number | null | undefined): string {
  if (bytes == null) return "";
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${new Intl.NumberFormat(lang() === "de" ? "de-DE" : "en-GB", { maximumFractionDigits: digits }).format(value)}\u00a0${UNITS[unit]}`;
}
/** `2 Min. 5 Sek.` */
export function took(seconds: number): string {
  if (seconds < 60) return seconds < 1 ? t("console.runs.under_second") : t("console.runs.seconds", { n: number(Math.round(seconds)) });
  return t("console.runs.minutes", { n: number(Math.floor(seconds / 60)), seconds: number(Math.round(seconds) % 60) });
}
/** `1 Datei`, `1.234 Dateien` */
export const filesWords = (n: number) => (n === 1 ? b("run.one_file") : b("run.n_files", { n: number(n) }));
/** `1 Zeile`, `1.234 Zeilen` */
export const rowsWords = (n: number) => (n === 1 ? b("run.one_row") : b("run.n_rows", { n: number(n) }));
/** What was backed up, by its name; praxisd's own two in words. */
export const sourceWords = (name: string) => ({ "praxisd database": b("own_source.database"), praxisd: b("own_source.rest") })[name] ?? name;
/** What is wrong with a file that a run names. */
export const namedWords = (code: string) => word("named", code.replace(/^backups\./, ""));
/** The job of a run in words: `Abend`; of one without a job its kind. */
export const jobWords = (one: { job?: string | null; kind?: string }) => (one.job ? word("job", one.job) : word("kind", one.kind ?? "backup"));
/** Onto what a run writes: the medium's own name, else that of its place in the plan. */
export const ontoWords = (one: Run) => one.mediumLabel || one.label;
/** `Mo extern` with the medium's own name, where that is another. */
export const mediumWords = (one: Medium) => one.label || one.slotLabel || one.slot;
/** Where a medium is: `im Tresor, bestätigt von Frau Kern am …` */
export function whereWords(one: Medium): string {
  if (one.kind !== "removable") return word("fixed", one.kind);
  if (!one.place) return b("where.unknown");
  const parts = { person: one.person, at: one.since ? moment(one.since) : "" };
  if (!one.since) return word("place", one.place);
  return one.person ? b("where.by", { place: word("place", one.place), ...parts }) : b("where.since", { place: word("place", one.place), ...parts });
}

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
export const WEEKDAYS: Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const iso = (one: Weekday) => WEEKDAYS.indexOf(one) + 1;
export const weekdayWord = (one: Weekday, style: "short" | "long" = "long") => weekday(iso(one), style);
export const weekdayOf = (day: string) => WEEKDAYS[isoWeekday(day) - 1]!;
export const weekdayWords = (days: Weekday[]) => weekdays(days.map(iso).sort((x, y) => x - y));
/** `Freitag, 27. November 2026` */
export const dayWords = dateLong;
export { date, moment, time };

/** Save a sheet of paper; what is refused is said. */
export async function sheet(method: "GET" | "POST", path: string, name: string, body?: unknown): Promise<boolean> {
  try {
    await download(method, path, body, name);
    return true;
  } catch (why) {
    failed(why);
    return false;
  }
}
