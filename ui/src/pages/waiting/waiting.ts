// The waiting list as the server gives it: who waits for what, which times became free, who was offered them.
import { ask, post, type Asked } from "../../lib/api";
import { date, day, time, weekdays } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import { columnNames } from "../../lib/names.svelte";

export type PersonRef = { id: string; name: string | null } | null;
export interface Entry {
  id: string;
  version: number;
  patient: PersonRef;
  service: string;
  schedules: string[];
  days: number[];
  from: string | null;
  to: string | null;
  first: string | null;
  last: string | null;
  noticeMinutes: number;
  note: string | null;
  state: "waiting" | "booked" | "left" | "expired";
  created: string;
  replaces: string | null;
}
export interface Offer {
  id: string;
  round: string;
  entry: string;
  patient: PersonRef;
  service: string;
  start: string;
  end: string;
  schedules: string[];
  state: "open" | "accepted" | "declined" | "lapsed" | "gone";
  madeAt: string;
  until: string | null;
  answeredAt: string | null;
  appointment: string | null;
}
export interface Fit {
  entry: string;
  patient: PersonRef;
  service: string;
  start: string;
  end: string;
  schedules: string[];
}
export interface Round {
  id: string;
  version: number;
  state: "found" | "running" | "ended";
  how: string | null;
  schedules: string[];
  start: string;
  end: string;
  foundAt: string;
  endedAt: string | null;
  automatic: boolean;
  offers: Offer[];
  fits: Fit[];
}
/** What is entered of somebody who waits. */
export interface EntryIn {
  patient: string;
  service: string;
  schedules: string[];
  days: number[];
  from: string | null;
  to: string | null;
  first: string | null;
  last: string | null;
  noticeMinutes: number;
  note: string | null;
  replaces: string | null;
}
export const FOLLOWED = ["WaitingEntry", "Offer", "Round", "Appointment", "Patient"];
export const OFFER_TONES = { open: "info", accepted: "good", declined: "plain", lapsed: "plain", gone: "plain" } as const;

export const q = (key: string, params: Record<string, string | number> = {}) => t(`console.waiting.${key}`, params);
export const entries = (limit: number, asked: Asked = {}) => post<{ entries: Entry[]; next: string | null }>("/waiting/search", { state: "waiting", limit }, asked);
export async function rounds(asked: Asked = {}): Promise<Round[]> {
  const of = (state: string) => post<{ rounds: Round[] }>("/waiting/rounds/search", { state, limit: 50 }, asked);
  const [running, found] = await Promise.all([of("running"), of("found")]);
  return [...running.rounds, ...found.rounds].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}
export const save = (one: Entry | undefined, body: EntryIn, version?: number) =>
  one ? ask("PUT", `/waiting/${one.id}`, body, { version }) : ask("POST", "/waiting", body);
export const leave = (one: Entry) => ask("POST", `/waiting/${one.id}/leave`, {}, { version: one.version });
export const offer = (entry: string, start: string, schedules: string[], round?: string) =>
  post("/waiting/offers", { entry, start, ...(schedules.length && { schedules }), ...(round && { round }) });
export const answer = (one: Offer, accepted: boolean) => post(`/waiting/offers/${one.id}/${accepted ? "accept" : "decline"}`);
export const end = (one: Round) => post(`/waiting/rounds/${one.id}/end`);

export const nameOf = (one: { patient: PersonRef }) => one.patient?.name ?? q("hidden");
export const spanWords = (one: { start: string; end: string }) => `${day(one.start)}, ${time(one.start)}–${time(one.end)}`;

/** When somebody could come: `Mo–Do, 08:00–12:00, bis 04.12.2026, Dr. Sommer`; empty where any time will do. */
export function wishWords(one: Entry): string {
  const window = one.from && one.to ? `${one.from}–${one.to}` : one.from ? q("from_clock", { time: one.from }) : one.to ? q("to_clock", { time: one.to }) : "";
  const dates = one.first && one.last ? `${date(one.first)} – ${date(one.last)}` : one.first ? q("from_day", { day: date(one.first) }) : one.last ? q("to_day", { day: date(one.last) }) : "";
  return [one.days.length ? weekdays(one.days) : "", window, dates, columnNames(one.schedules)].filter(Boolean).join(", ");
}
