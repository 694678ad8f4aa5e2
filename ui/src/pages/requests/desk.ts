// Booking requests as the server gives them, what one does with them, and the words around them.
import { ask, post, type Asked } from "../../lib/api";
import { day, time } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import { kindName } from "../../lib/names.svelte";

export interface Told {
  family: string;
  given: string;
  birthDate: string;
  phone: string;
  email: string;
}
export interface Candidate {
  id: string;
  match: string | null;
  name: string;
  birthDate: string | null;
  phone: string | null;
  email: string | null;
  reason: string;
  same: string[];
  differs: string[];
}
export interface ChainStep {
  step: "requested" | "held" | "in_calendar" | "on_portals" | "confirmed";
  state: "done" | "waiting" | "failed" | "none";
  at: string | null;
  where: string | null;
  code: string | null;
  title: string | null;
  solution: string | null;
}
export type State = "open" | "asked" | "accepted" | "refused" | "withdrawn" | "expired";
export interface BookingRequest {
  id: string;
  version: number;
  origin: string;
  originName: string | null;
  state: State;
  received: string;
  decided: string | null;
  byName: string | null;
  appointment: { id: string; version: number; status: string; start: string; end: string; service: string | null; schedules: string[] } | null;
  told: Told | null;
  patient: { id: string; name: string | null } | null;
  matching: { found: "certain" | "possible" | "new" | "none"; candidates: Candidate[] };
  start: string | null;
  end: string | null;
  service?: string | null;
  schedule?: string | null;
  serviceWord: string | null;
  original: string | null;
  subject: string | null;
  readable: boolean;
  missing: string[];
  reason: string | null;
  reasonTitle: string | null;
  note: string | null;
  until: string | null;
  wished: string | null;
  conflict: string | null;
  chain: ChainStep[];
  portalAnswer: { state: string; at: string | null; code: string | null; title: string | null } | null;
}
export interface Counts {
  open: number;
  asked: number;
  unreadable: number;
  conflicts: number;
}
export interface Found {
  requests: BookingRequest[];
  next: string | null;
  counts: Counts;
}
export const VIEWS = ["open", "asked", "decided"] as const;
export type View = (typeof VIEWS)[number];
/** Why a request is refused, by the last word of the server's code. */
export const REASONS = ["refused_time_taken", "refused_not_offered", "refused_no_new_patients", "refused_call_us", "refused_other"];
export const FIELDS = ["family", "given", "birthDate", "phone", "email"] as const;
/** What changes a request, or what is shown of it. */
export const FOLLOWED = ["BookingRequest", "Appointment", "Conflict", "Patient", "Message"];

export const r = (key: string, params: Record<string, string | number> = {}) => t(`console.requests.${key}`, params);

export const search = (state: View, limit: number, asked: Asked = {}) => post<Found>("/requests/search", { state, limit }, asked);
export const read = async (id: string, asked: Asked = {}) => (await ask<BookingRequest>("GET", `/requests/${id}`, undefined, asked)).data;

/** Do something with a request, on the state that was seen. */
export const act = async (one: BookingRequest, deed: string, body: unknown = {}) =>
  (await ask<BookingRequest>("POST", `/requests/${one.id}/${deed}`, body, { version: one.version })).data;
export const fill = async (one: BookingRequest, body: unknown) =>
  (await ask<BookingRequest>("PUT", `/requests/${one.id}`, body, { version: one.version })).data;

export const toneOf = (state: State) => (({ open: "warn", asked: "info", accepted: "good", refused: "bad", withdrawn: "plain", expired: "plain" }) as const)[state];
export const waits = (one: BookingRequest) => one.state === "open" || one.state === "asked";
export const serviceOf = (one: BookingRequest) => one.appointment?.service ?? one.service ?? null;
export const columnsOf = (one: BookingRequest) => one.appointment?.schedules ?? (one.schedule ? [one.schedule] : []);
export const startOf = (one: BookingRequest) => one.start ?? one.appointment?.start ?? null;
export const endOf = (one: BookingRequest) => one.end ?? one.appointment?.end ?? null;

export function minutesOf(one: BookingRequest): number | null {
  const [start, end] = [startOf(one), endOf(one)];
  return start && end ? Math.round((Date.parse(end) - Date.parse(start)) / 60_000) : null;
}

/** The person's name, as far as it may be seen and is known. */
export function who(one: BookingRequest): string {
  const told = [one.told?.given, one.told?.family].filter(Boolean).join(" ");
  return one.patient?.name || told || (one.told ? r("nameless") : r("hidden_name"));
}
export const kindWord = (one: BookingRequest) => kindName(serviceOf(one)) || one.serviceWord || "";
export const fromWhere = (one: BookingRequest) => one.originName || r(`origin.${one.origin}`);

/** `Do., 26.11.2026, 08:30–08:50` */
export function whenWords(start: string | null, end: string | null): string {
  return start ? `${day(start)}, ${time(start)}${end ? `–${time(end)}` : ""}` : "";
}

/** Somebody has to say who this is. */
export const unsurePerson = (one: BookingRequest) => one.matching.found === "possible" && one.matching.candidates.length > 0;

/** Nothing is in doubt: one click is enough. */
export const ordinary = (one: BookingRequest) =>
  one.state === "open" && one.readable && !one.missing.length && !one.conflict && !!startOf(one) && !!one.appointment && !!one.patient && !unsurePerson(one);
