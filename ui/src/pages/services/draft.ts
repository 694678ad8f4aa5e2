// An appointment type while it is edited: how the form holds it, what is wrong with it, what portals make of it.
import { length, number } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import type { HealthcareService, Schedule } from "../../lib/records";
import type { Shown } from "../../lib/editing.svelte";

export interface ServiceDraft {
  name: string;
  /** Off: each booking says how long it takes. */
  timed: boolean;
  duration: number | null;
  color: string | null;
  bufferBefore: number | null;
  bufferAfter: number | null;
  startEvery: number;
  minNotice: number | null;
  /** Off: any time ahead. */
  limited: boolean;
  maxAhead: number | null;
  confirm: boolean;
  active: boolean;
  released: boolean;
  groups: string[][];
  comment: string;
}
export type Errors = Partial<Record<keyof ServiceDraft, string>>;
export type ServiceBody = Omit<HealthcareService, "id" | "no" | "version">;

const STEP = 5;
const DAY = 1440;
const BUFFER_MOST = 720;
const NOTICE_MOST = 365 * DAY;
const AHEAD_MOST = 3660;

export const blank = (): ServiceDraft => ({
  name: "", timed: true, duration: 30, color: null, bufferBefore: 0, bufferAfter: 0, startEvery: 15, minNotice: 0,
  limited: true, maxAhead: 365, confirm: false, active: true, released: false, groups: [[]], comment: "",
});

export const toDraft = (one: HealthcareService): ServiceDraft => ({
  name: one.name,
  timed: one.duration !== null,
  duration: one.duration ?? 30,
  color: one.color,
  bufferBefore: one.bufferBefore,
  bufferAfter: one.bufferAfter,
  startEvery: one.startEvery,
  minNotice: one.minNotice,
  limited: one.maxAhead !== null,
  maxAhead: one.maxAhead ?? 365,
  confirm: one.confirm,
  active: one.active,
  released: one.released,
  groups: one.groups,
  comment: one.comment ?? "",
});

export const toBody = (one: ServiceDraft): ServiceBody => ({
  name: one.name.trim(),
  duration: one.timed ? one.duration : null,
  color: one.color,
  bufferBefore: one.bufferBefore ?? 0,
  bufferAfter: one.bufferAfter ?? 0,
  startEvery: one.startEvery,
  minNotice: one.minNotice ?? 0,
  maxAhead: one.limited ? one.maxAhead : null,
  confirm: one.confirm,
  active: one.active,
  released: one.released,
  groups: one.groups,
  comment: one.comment.trim() || null,
});

/** Only what the changed fields of the form say. */
export function changedBody(draft: ServiceDraft, changes: Partial<ServiceDraft>): Partial<ServiceBody> {
  const whole = toBody(draft);
  const names = Object.keys(changes).map((key) => (key === "timed" ? "duration" : key === "limited" ? "maxAhead" : key));
  return Object.fromEntries(names.map((name) => [name, whole[name as keyof ServiceBody]])) as Partial<ServiceBody>;
}

function minutes(value: number | null, low: number, high: number): string | undefined {
  const good = value !== null && Number.isInteger(value) && value >= low && value <= high && value % STEP === 0;
  return good ? undefined : t("console.services.minutes_wrong", { low: number(low), high: number(high) });
}

function whole(value: number | null, high: number, key: string): string | undefined {
  const good = value !== null && Number.isInteger(value) && value >= 0 && value <= high;
  return good ? undefined : t(key, { high: number(high) });
}

/** What must be put right before it can be saved; the server checks again. */
export function errorsOf(one: ServiceDraft): Errors {
  const found: Errors = {
    name: one.name.trim() ? undefined : t("console.name_missing"),
    duration: one.timed ? minutes(one.duration, STEP, DAY) : undefined,
    bufferBefore: minutes(one.bufferBefore, 0, BUFFER_MOST),
    bufferAfter: minutes(one.bufferAfter, 0, BUFFER_MOST),
    minNotice: whole(one.minNotice, NOTICE_MOST, "console.services.notice_wrong"),
    maxAhead: one.limited ? whole(one.maxAhead, AHEAD_MOST, "console.services.ahead_wrong") : undefined,
    groups: one.groups.some((group) => !group.length) ? t("console.services.group_empty") : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, why]) => why)) as Errors;
}

export interface PortalView {
  state: "inactive" | "hidden" | "unbookable" | "visible";
  /** The columns portals may book, group by group. */
  groups: string[][];
}

/** What a booking portal would see of it, as the server decides it. */
export function portalView(one: ServiceDraft, columns: Schedule[]): PortalView {
  const open = new Set(columns.filter((column) => column.released && column.active).map((column) => column.id));
  const groups = one.groups.map((group) => group.filter((id) => open.has(id)));
  if (!one.active) return { state: "inactive", groups };
  if (!one.released) return { state: "hidden", groups };
  return { state: groups.length && groups.every((group) => group.length) ? "visible" : "unbookable", groups };
}

/** `Dr. Sommer oder Dr. Winter, dazu Prophylaxe` */
export function groupWords(groups: string[][], name: (id: string) => string): string {
  return groups
    .filter((group) => group.length)
    .map((group) => group.map(name).join(` ${t("console.services.or")} `))
    .join(`, ${t("console.services.and")} `);
}

const yes = (on: boolean) => t(on ? "console.yes_word" : "console.no_word");
const min = (value: number | null) => t("console.minutes", { n: number(value ?? 0) });

/** Label and words of every field, for the comparison of two states. */
export const shownFields = (name: (id: string) => string): Shown<ServiceDraft>[] => {
  const label = (key: string) => t(`console.services.${key}`);
  return [
    { key: "name", label: label("name"), show: (one) => one.name },
    { key: "timed", label: label("timed"), show: (one) => yes(one.timed) },
    { key: "duration", label: label("duration"), show: (one) => (one.timed ? min(one.duration) : label("duration_open")) },
    { key: "color", label: label("color"), show: (one) => one.color ?? "" },
    { key: "bufferBefore", label: label("buffer_before"), show: (one) => min(one.bufferBefore) },
    { key: "bufferAfter", label: label("buffer_after"), show: (one) => min(one.bufferAfter) },
    { key: "startEvery", label: label("start_every"), show: (one) => min(one.startEvery) },
    { key: "minNotice", label: label("min_notice"), show: (one) => length(one.minNotice ?? 0) },
    { key: "limited", label: label("limited"), show: (one) => yes(one.limited) },
    { key: "maxAhead", label: label("max_ahead"), show: (one) => (one.limited ? t("console.services.days", { n: number(one.maxAhead ?? 0) }) : label("ahead_open")) },
    { key: "confirm", label: label("confirm"), show: (one) => yes(one.confirm) },
    { key: "active", label: label("active"), show: (one) => yes(one.active) },
    { key: "released", label: t("console.released.switch"), show: (one) => yes(one.released) },
    { key: "groups", label: label("groups"), show: (one) => groupWords(one.groups, name) },
    { key: "comment", label: label("comment"), show: (one) => one.comment },
  ];
};
