// The records the calendar is made of, as the server gives them, and where they are read.
import { ask, everything } from "./api";
import type { Read } from "./editing.svelte";

export interface OpeningRule {
  days: number[];
  start: string;
  end: string;
  validFrom?: string;
  validTo?: string;
  everyWeeks?: number;
  services?: string[];
  /** RFC 5545, counted from `validFrom`: of the days only those that it names. */
  rule?: string;
}
export interface OpeningException {
  date: string;
  open?: [string, string][];
}
export interface Schedule {
  id: string;
  no: number;
  version: number;
  name: string;
  active: boolean;
  released: boolean;
  practitioner: string | null;
  location: string | null;
  hours: OpeningRule[];
  exceptions: OpeningException[];
  observesHolidays: boolean;
  order: number;
  color: string | null;
}
export interface HealthcareService {
  id: string;
  no: number;
  version: number;
  name: string;
  active: boolean;
  released: boolean;
  duration: number | null;
  bufferBefore: number;
  bufferAfter: number;
  groups: string[][];
  startEvery: number;
  minNotice: number;
  maxAhead: number | null;
  confirm: boolean;
  color: string | null;
  comment: string | null;
}
export interface Contact {
  system: string;
  value: string;
  use?: string;
}
export interface Address {
  use?: string;
  line?: string[];
  city?: string;
  district?: string;
  state?: string;
  postalCode?: string;
  country?: string;
}
export interface Practitioner {
  id: string;
  version: number;
  family: string;
  given: string;
  prefix: string | null;
  telecom: Contact[];
  active: boolean;
  released: boolean;
}
export interface Location {
  id: string;
  version: number;
  name: string;
  kind: "chair" | "room" | "site" | null;
  partOf: string | null;
  active: boolean;
  released: boolean;
}
/** A free time and the columns it would take. */
export interface Slot {
  start: string;
  end: string;
  schedules: string[];
  service: string;
}
export interface Slots {
  slots: Slot[];
  next: string | null;
}

export const schedules = async () =>
  (await everything<Schedule>("/schedules", "schedules")).sort((a, b) => a.order - b.order || a.name.localeCompare(b.name));
export const services = async () =>
  (await everything<HealthcareService>("/healthcare-services", "healthcareServices")).sort((a, b) => a.name.localeCompare(b.name));
export const practitioners = () => everything<Practitioner>("/practitioners", "practitioners");
export const locations = () => everything<Location>("/locations", "locations");

/** `Dr. Anna Müller` */
export const fullName = (one: { prefix?: string | null; given: string; family: string }) =>
  [one.prefix, one.given, one.family].filter(Boolean).join(" ");

/** Read one record for a form: its values as the form has them, and its version. */
export async function readFor<R, T>(path: string, toDraft: (record: R) => T): Promise<Read<T>> {
  const answer = await ask<R>("GET", path);
  return { values: toDraft(answer.data), version: answer.version ?? 0 };
}
