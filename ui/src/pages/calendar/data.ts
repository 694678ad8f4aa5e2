// What the server knows of the calendar, and the questions this page asks.
import { ask, get, post, type Asked } from "../../lib/api";
import { isoWeekday, plusDays } from "../../lib/format";
import { datesOf } from "./when";

export interface Column {
  id: string;
  name: string;
  color: string | null;
  order: number;
  active: boolean;
  practitioner: string | null;
  location: string | null;
}
export interface Kind {
  id: string;
  name: string;
  color: string | null;
  duration: number | null;
  active: boolean;
}
export type Status = "proposed" | "pending" | "booked" | "arrived" | "fulfilled" | "noshow" | "cancelled";
export interface Appointment {
  id: string;
  version: number;
  status: Status;
  start: string;
  end: string;
  service: string | null;
  schedules: string[];
  patient: { id: string | null; name: string | null } | null;
  note?: string;
  portal?: string;
  cancelReason?: string;
  bufferBefore?: number;
  bufferAfter?: number;
}
export interface Reservation {
  id: string;
  version: number;
  title: string | null;
  schedules: string[];
  start: string;
  end: string;
  note?: string | null;
}
export interface Period {
  schedule: string;
  start: string;
  end: string;
}
export interface Busy extends Period {
  until?: string;
}
export interface Absence {
  id: string;
  schedule?: string;
  first: string;
  last: string;
  reason?: string;
}
export interface View {
  zone: string;
  now: string;
  revision: string;
  schedules: Column[];
  services: Kind[];
  open: Period[];
  appointments: Appointment[];
  reservations: Reservation[];
  busy: Busy[];
  absences: Absence[];
  closed: { date: string; name: string }[];
}
/** An appointment as the door shows a single one. */
export interface Single {
  id: string;
  version: number;
  status: Status;
  start: string;
  end: string;
  service: string | null;
  schedules: string[];
  patient?: string | null;
  patientName?: string;
  note?: string;
  cancelReason?: string;
  createdAt: string;
  updatedAt: string;
}
export interface Slot {
  start: string;
  end: string;
  schedules: string[];
  service: string;
}
export interface Person {
  id: string;
  family: string;
  given: string;
  birthDate: string | null;
  phone: string | null;
  mobile: string | null;
  email: string | null;
  active: boolean;
}
export interface NewPerson {
  family: string;
  given: string;
  birthDate: string | null;
  phone?: string;
  email?: string;
}
/** An appointment type with the columns that may serve it: one of each group. */
export interface FullKind extends Kind {
  groups: string[][];
}
export interface Happened {
  seq: number;
  at: string;
  sentence: string;
  actorName?: string;
  fields: string[];
}
/** What a move or a change asks for. */
export interface Wish {
  start?: string;
  end?: string;
  service?: string;
  schedules?: string[];
  status?: Status;
  note?: string | null;
  outsideHours?: boolean;
}
export interface Booking {
  service: string;
  start: string;
  end?: string;
  schedules?: string[];
  patient: { id: string };
  note?: string;
  outsideHours?: boolean;
}
export type ReservationWish = Partial<Pick<Reservation, "title" | "schedules" | "start" | "end" | "note">>;

export const view = (from: string, to: string, cancelled: boolean, asked: Asked) =>
  post<View>("/calendar/view", { from, to, cancelled }, asked);

export const find = async (text: string, signal: AbortSignal) =>
  (await post<{ appointments: Appointment[] }>("/calendar/search", { text, limit: 50 }, { signal })).appointments;

export const single = (id: string) => get<Single>(`/appointments/${id}`);
export const change = async (id: string, wish: Wish, version: number) =>
  (await ask<Single>("PATCH", `/appointments/${id}`, wish, { version })).data;
export const book = (wish: Booking) => post<Single>("/appointments", wish);
export const cancel = (id: string, reason: string, version: number) =>
  post<Single>(`/appointments/${id}/cancel`, { reason: reason || null }, { version });

export const reserve = (wish: ReservationWish) => post<Reservation>("/reservations", wish);
export const changeReservation = async (id: string, wish: ReservationWish, version: number) =>
  (await ask<Reservation>("PATCH", `/reservations/${id}`, wish, { version })).data;
export const dropReservation = (id: string, version: number) =>
  ask<undefined>("DELETE", `/reservations/${id}`, undefined, { version });

export const slots = async (service: string, from: string, to: string, schedule: string, signal?: AbortSignal, limit = 60) => {
  const query = new URLSearchParams({ service, from, to, limit: String(limit), ...(schedule && { schedule }) });
  return (await get<{ slots: Slot[] }>(`/slots?${query}`, { signal })).slots;
};

export const people = async (text: string, signal: AbortSignal) =>
  (await post<{ patients: Person[] }>("/patients/search", { text, limit: 20 }, { signal })).patients;
export const addPerson = (who: NewPerson) => post<Person>("/patients", who);

export const history = async (id: string, subjectType = "Appointment", limit = 50) =>
  (await post<{ events: Happened[] }>("/events/search", { subjectType, subjectId: id, limit })).events;

let known: Promise<FullKind[]> | null = null;
/** All appointment types with their groups; asked once, and again after `forget`. */
export function kinds(): Promise<FullKind[]> {
  known ??= all().catch((error: unknown) => {
    known = null;
    throw error;
  });
  return known;
}
export const forget = () => (known = null);

async function all(): Promise<FullKind[]> {
  const found: FullKind[] = [];
  for (let cursor = ""; ; ) {
    const query = `limit=200${cursor && `&cursor=${cursor}`}`;
    const page = await get<{ healthcareServices: FullKind[]; next: string | null }>(`/healthcare-services?${query}`);
    found.push(...page.healthcareServices);
    if (!page.next) return found;
    cursor = page.next;
  }
}

/** The days that are drawn: weekends only where something is open or stands on them. */
export function daysOf(found: View, first: string, count: number): string[] {
  const all = Array.from({ length: count }, (_none, n) => plusDays(first, n));
  if (count === 1) return all;
  const used = new Set([...found.open, ...found.appointments, ...found.reservations].flatMap((one) => datesOf(one.start, one.end)));
  return all.filter((date) => isoWeekday(date) < 6 || used.has(date));
}
