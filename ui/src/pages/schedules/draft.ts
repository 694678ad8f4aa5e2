// A column while it is edited.
import type { Shown } from "../../lib/editing.svelte";
import { t } from "../../lib/i18n.svelte";
import { fullName, type Location, type Practitioner, type Schedule } from "../../lib/records";
import { blankBlock, hoursWords, singleWords, toBlocks, toExceptions, toRules, toSingleDays, type Block, type SingleDay } from "./hours";

export interface ColumnDraft {
  name: string;
  practitioner: string;
  location: string;
  order: number | null;
  color: string | null;
  active: boolean;
  released: boolean;
  observesHolidays: boolean;
  hours: Block[];
  exceptions: SingleDay[];
}

export const blank = (order: number): ColumnDraft => ({
  name: "", practitioner: "", location: "", order, color: null, active: true, released: false, observesHolidays: true,
  hours: [blankBlock()], exceptions: [],
});

export const toDraft = (one: Schedule): ColumnDraft => ({
  name: one.name,
  practitioner: one.practitioner ?? "",
  location: one.location ?? "",
  order: one.order,
  color: one.color,
  active: one.active,
  released: one.released,
  observesHolidays: one.observesHolidays,
  hours: toBlocks(one.hours),
  exceptions: toSingleDays(one.exceptions),
});

/** What the given fields of the form say, as the server takes it. */
export function toBody(one: Partial<ColumnDraft>): Partial<Schedule> {
  const body: Record<string, unknown> = { ...one };
  if (one.name !== undefined) body.name = one.name.trim();
  if (one.practitioner !== undefined) body.practitioner = one.practitioner || null;
  if (one.location !== undefined) body.location = one.location || null;
  if (one.order !== undefined) body.order = one.order ?? 0;
  if (one.hours !== undefined) body.hours = toRules(one.hours);
  if (one.exceptions !== undefined) body.exceptions = toExceptions(one.exceptions);
  return body as Partial<Schedule>;
}

export interface Names {
  practitioners: Practitioner[];
  locations: Location[];
  service: (id: string) => string;
}

const yes = (on: boolean) => t(on ? "console.yes_word" : "console.no_word");

export const shownFields = (names: Names): Shown<ColumnDraft>[] => {
  const label = (key: string) => t(`console.schedules.${key}`);
  const who = (id: string) => {
    const one = names.practitioners.find((each) => each.id === id);
    return one ? fullName(one) : "";
  };
  const where = (id: string) => names.locations.find((one) => one.id === id)?.name ?? "";
  return [
    { key: "name", label: label("name"), show: (one) => one.name },
    { key: "practitioner", label: label("practitioner"), show: (one) => who(one.practitioner) },
    { key: "location", label: label("location"), show: (one) => where(one.location) },
    { key: "order", label: label("order"), show: (one) => String(one.order ?? "") },
    { key: "color", label: label("color"), show: (one) => one.color ?? "" },
    { key: "active", label: label("active"), show: (one) => yes(one.active) },
    { key: "released", label: t("console.released.switch"), show: (one) => yes(one.released) },
    { key: "observesHolidays", label: label("holidays"), show: (one) => yes(one.observesHolidays) },
    { key: "hours", label: t("console.hours.title"), show: (one) => hoursWords(one.hours, names.service) },
    { key: "exceptions", label: t("console.exceptions.title"), show: (one) => singleWords(one.exceptions) },
  ];
};
