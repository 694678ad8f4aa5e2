// The plan, its calendar, the drives and what is backed up, as the server keeps them.
import { get, post, put } from "../../lib/api";
import { typedClock } from "../../lib/typed";
import { b, size, WEEKDAYS, type Weekday } from "./backups";

export type Variant = "variant1" | "variant2" | "variant3" | "external";
export type Under = "variant1" | "variant2";
export const VARIANTS: Variant[] = ["variant1", "variant2", "variant3", "external"];
export type Job = "evening" | "night" | "remote" | "snapshot";
export interface PlanJob {
  name: Job;
  use: string;
  days: Weekday[];
  time: string;
  start: "desk" | "time";
  closedToo: boolean;
}
export interface Retention {
  newest: number;
  daily: number;
  weekly: number;
  monthly: number;
}
export interface ImagePlan {
  everyDays: number;
  lockedDays: number;
  media: number;
}
/** What the wizard asks, as the server takes it. */
export interface PlanIn {
  variant: Variant;
  under: Under | null;
  days: Weekday[];
  evening: string;
  eveningStart: "desk" | "time";
  night: string;
  remote: string;
  dayBegins: string;
  image: ImagePlan | null;
  keep: Retention;
}
/** A place in the rotation, and the medium that fills it. */
export interface Slot {
  id: string;
  label: string;
  use: "away" | "here" | "nas" | "remote" | "image" | "folder";
  day: Weekday | null;
  medium: string | null;
  mediumLabel: string | null;
}
/** The plan in force, its slots and what is left to set up. */
export interface Plan extends PlanIn {
  by: string;
  at: string;
  title: string;
  jobs: (PlanJob & { label: string })[];
  slots: Slot[];
  unfilled: string[];
  missingDrives: string[];
}
interface NamedSlot {
  slot: string;
  label: string;
}
export interface PlannedRun extends NamedSlot {
  job: Job;
  jobLabel: string;
  time: string;
  start: "desk" | "time";
  nextMorning: boolean;
  at: string;
}
export interface CalendarDay {
  day: string;
  weekday: Weekday;
  closed: boolean;
  today: boolean;
  runs: PlannedRun[];
  bring: NamedSlot[];
  take: NamedSlot[];
}
export interface Calendar {
  days: CalendarDay[];
  image: (NamedSlot & { day: string; late: boolean }) | null;
}

/** A plan while somebody makes it. `start`: who begins the evening's job. */
export interface Draft {
  variant: Variant;
  under: Under;
  days: Weekday[];
  evening: string;
  night: string;
  remote: string;
  snapshot: string;
  start: "desk" | "time";
  dayBegins: string;
  image: ImagePlan | null;
  keep: Retention;
}
export const IMAGE: ImagePlan = { everyDays: 28, lockedDays: 28, media: 2 };
const TIMES = { evening: "18:00", night: "01:30", remote: "03:30", snapshot: "01:30" };
const KEEP: Retention = { newest: 20, daily: 7, weekly: 4, monthly: 120 };

export function draftOf(plan: Plan | null): Draft {
  const time = (name: Job) => plan?.jobs.find((one) => one.name === name)?.time ?? TIMES[name];
  return {
    variant: plan?.variant ?? "variant2",
    under: plan?.under ?? "variant2",
    days: [...(plan?.days ?? WEEKDAYS.slice(0, 5))],
    evening: time("evening"),
    night: time("night"),
    remote: time("remote"),
    snapshot: time("snapshot"),
    start: plan?.eveningStart ?? "desk",
    dayBegins: plan?.dayBegins ?? "06:00",
    image: plan?.image ?? null,
    keep: { ...(plan?.keep ?? KEEP) },
  };
}
/** The jobs of a scheme, in the order of the day. */
export function jobsOf(draft: Draft): Job[] {
  if (draft.variant === "external") return ["snapshot"];
  return draft.variant === "variant3" ? ["evening", "night", "remote"] : ["evening", "night"];
}
/** What cannot be so, by field, in words. */
export function faultsOf(draft: Draft): Record<string, string> {
  const found: Record<string, string> = {};
  if (!draft.days.length) found.days = b("times.days_missing");
  for (const one of jobsOf(draft)) if (typedClock(draft[one]) === null || draft[one] === "24:00") found[one] = b("times.wrong");
  const begins = typedClock(draft.dayBegins);
  if (begins === null || begins < "04:00" || begins > "12:00") found.dayBegins = b("times.day_begins_wrong");
  else if (draft.start === "desk" && !found.evening && jobsOf(draft).includes("evening") && draft.evening < begins) found.evening = b("times.evening_wrong");
  const whole = (value: unknown, least: number) => Number.isInteger(value) && (value as number) >= least && (value as number) <= 1000;
  if (!whole(draft.keep.newest, 1) || !(["daily", "weekly", "monthly"] as const).every((one) => whole(draft.keep[one], 0))) found.keep = b("times.keep_wrong");
  return found;
}
/** The plan that was made, as the server takes it. */
const planOf = (draft: Draft): PlanIn => ({
  variant: draft.variant,
  under: draft.variant === "variant3" ? draft.under : null,
  days: draft.days,
  evening: draft.evening,
  eveningStart: draft.start,
  night: draft.variant === "external" ? draft.snapshot : draft.night,
  remote: draft.remote,
  dayBegins: draft.dayBegins,
  image: draft.image,
  keep: draft.keep,
});

export const readPlan = async (background = false) => (await get<{ plan: Plan | null }>("/backups/plan", { background })).plan;
export const keepPlan = (draft: Draft) => put<{ plan: Plan }>("/backups/plan", planOf(draft));
export const preview = (draft: Draft) => post<Calendar & { slots: Slot[] }>("/backups/plan/preview", planOf(draft));
export const readCalendar = (from: string, to: string) => get<Calendar>(`/backups/calendar?from=${from}&to=${to}`, { background: true });

export type DriveKind = "removable" | "nas" | "remote" | "folder";
/** What lies in a drive: nothing, a medium of ours, one that is not in the list, another practice's, an empty one, other files. */
export type Shows = "nothing" | "ours" | "unlisted" | "foreign" | "unreadable" | "new" | "other" | "address";
export interface Drive {
  id: string;
  label: string;
  kind: DriveKind;
  path: string;
  slot: string;
  eject: boolean;
  raid: string | null;
  fireCompartment: "own" | "other" | null;
  country: string | null;
  here: boolean;
  shows: Shows;
  medium: string | null;
  mediumLabel: string | null;
  writable: boolean;
  free: number | null;
  /** It lies on the disk of praxisd's own data and would be lost with it. */
  sameDisk: boolean;
}
export const drives = async (background = false) => (await get<{ drives: Drive[] }>("/backups/drives", { background })).drives;
/** The kinds of drives a scheme needs. */
export function kindsOf(variant: Variant, under: Under): DriveKind[] {
  if (variant === "external") return ["folder"];
  const nas = (variant === "variant3" ? under : variant) === "variant2";
  return ["removable", ...(nas ? (["nas"] as const) : []), ...(variant === "variant3" ? (["remote"] as const) : [])];
}
/** May a medium of this slot be in this drive? */
export const fits = (drive: Drive, slot: string) => (drive.slot ? drive.slot === slot : !["nas", "remote", "folder"].includes(slot));
/** Can a medium be set up in it now? One that is ours and not in the list is taken in again. */
export const usable = (one: Drive) => one.here && ["new", "unlisted", "address"].includes(one.shows);
/** `ein leeres Medium, 1,8 TB frei` */
export function seenWords(one: Drive): string {
  if (!one.here) return b("seen.elsewhere");
  const away = one.shows === "nothing" || one.shows === "address";
  return [
    b(`seen.${one.shows}`, { label: one.mediumLabel ?? "?" }),
    away || one.writable ? "" : b("seen.read_only"),
    one.free !== null && !away ? b("seen.free", { free: size(one.free) }) : "",
  ].filter(Boolean).join(", ");
}
