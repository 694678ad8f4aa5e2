// Portals and their online calendars as the server gives them, and the words around them.
import { get, post } from "../../lib/api";
import { localDate, moment, number, time, today } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import type { FormField } from "../../parts/FormFields.svelte";

export interface Fault {
  code: string;
  title: string;
  cause: string;
  solution: string;
}
export interface Abilities {
  names: boolean;
  hours: boolean;
  bookings: boolean;
  answers: boolean;
  blockers: boolean;
  offers: boolean;
}
export interface Calendar {
  id: string;
  version: number;
  portal: string;
  name: string;
  schedule: string;
  scheduleName: string;
  service: string | null;
  state: {
    dirtySince: string | null;
    lagS: number;
    uploaded: number | null;
    uploadedAt: string | null;
    goodAt: string | null;
    triedAt: string | null;
    nextAt: string | null;
    first: string | null;
    last: string | null;
    failures: number;
    problem: Fault | null;
    outside: { start: string; end: string }[];
  };
  checked?: boolean | null;
}
export interface Portal {
  id: string;
  version: number;
  name: string;
  adapter: string;
  active: boolean;
  fields: Record<string, string>;
  secretsSet: string[];
  interval: number;
  early: boolean;
  atOnce: boolean;
  tells: boolean;
  services: Record<string, string>;
  calendars: Calendar[];
  state: {
    running: boolean;
    dueAt: string | null;
    contactedAt: string | null;
    goodAt: string | null;
    fetchedAt: string | null;
    failures: number;
    problem: Fault | null;
    openAnswers: number;
    unknown: number;
  };
  abilities: Abilities;
}
export interface Adapter {
  name: string;
  title: string;
  help: string;
  fields: FormField[];
  abilities: Abilities;
}
export interface Portals {
  portals: Portal[];
  adapters: Adapter[];
  background: boolean;
}
export interface Tested {
  ok: boolean;
  calendars: string[] | null;
  problem: Fault | null;
}
export interface Result {
  calendar: string;
  name: string;
  uploaded: number | null;
  code: string | null;
  title: string | null;
  cause: string | null;
  solution: string | null;
}
export interface Synced {
  calendars: Result[];
  bookings: number;
  problem: Fault | null;
}
export interface Upload {
  at: string;
  count: number | null;
  first: string | null;
  last: string | null;
  code: string | null;
  title: string | null;
}
export interface UnknownTime {
  portal: string;
  portalName: string;
  remote: string;
  calendar: string;
  start: string;
  end: string;
  foundAt: string;
  choice: string | null;
}
export const LEAST_S = 60;
export const JOB = "portals.sync";
export const FOLLOWED = ["Portal", "OnlineCalendar", "Job", "Run", "Schedule"];

export const o = (key: string, params: Record<string, string | number> = {}) => t(`console.online.${key}`, params);
export const load = (background = false) => get<Portals>("/portals", { background });
export const test = (id: string) => post<Tested>(`/portals/${id}/test`);
export const sync = (id: string) => post<Synced>(`/portals/${id}/sync`);

/** `40 Sekunden`, `3 Minuten`, `2 Stunden` */
export function lasting(seconds: number): string {
  if (seconds < 90) return o("seconds", { n: number(seconds) });
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? o("minutes", { n: number(minutes) }) : o("hours", { n: number(Math.round(minutes / 60)) });
}

export type Standing = "off" | "failing" | "behind" | "good" | "new";
/** How a calendar stands, in one word. */
export function standing(one: Calendar, portal: Portal): Standing {
  if (!portal.active) return "off";
  if (one.state.problem) return "failing";
  if (one.state.lagS > 2 * portal.interval) return "behind";
  return one.state.goodAt ? "good" : "new";
}
export const TONES = { off: "plain", failing: "bad", behind: "warn", good: "good", new: "info" } as const;
export const at = (when: string | null) => (when ? moment(when) : "–");
/** The same where there is little room: of today the time alone. */
export const soon = (when: string | null) => (when && localDate(when) === today() ? time(when) : at(when));

/** What a comparison brought, as one sentence. */
export function syncedWords(all: Synced): string {
  const count = all.calendars.reduce((sum, one) => sum + (one.uploaded ?? 0), 0);
  return [o(count === 1 ? "uploaded_one" : "uploaded_n", { n: number(count) }), all.bookings ? o(all.bookings === 1 ? "booking_one" : "bookings_n", { n: number(all.bookings) }) : ""].filter(Boolean).join(" ");
}
