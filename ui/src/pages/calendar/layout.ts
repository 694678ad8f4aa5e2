// Where everything stands: columns of days, and in each the boxes with their minutes and lanes. Pure.
import { t } from "../../lib/i18n.svelte";
import type { Shown } from "./board.svelte";
import type { Absence, Appointment, Column, Status, View } from "./data";
import { colors, frozen, shortNames, statusWord } from "./look";
import { clock, DAY, datesOf, dateOf, plus, wallOf, within } from "./when";

export interface Box {
  key: string;
  id: string;
  kind: "appointment" | "reservation" | "busy" | "buffer";
  /** Minutes of the day, cut at midnight. */
  low: number;
  high: number;
  lane: number;
  lanes: number;
  status: Status | "";
  color: string;
  name: string;
  rest: string;
  /** The accessible name: what can be read on it, and the rest. */
  label: string;
  noted: boolean;
  /** Booked online. */
  online?: boolean;
  /** In an open conflict. */
  clash?: boolean;
  movable: boolean;
  /** Its end stands here and may be drawn further. */
  grip: boolean;
}
export interface Lane {
  key: string;
  day: string;
  column: string;
  name: string;
  short: string;
  open: [number, number][];
  /** Why nothing is open on this day, where there is a reason. */
  reason: string;
  boxes: Box[];
}
export interface Drawing {
  lanes: Lane[];
  perDay: number;
  days: string[];
  /** Minutes of the day that are drawn. */
  low: number;
  high: number;
}

export const NO_COLUMN = "";
/** From so many columns on a day is as narrow as a week. */
export const MANY = 8;
const LEAST: [number, number] = [8 * 60, 18 * 60];
const MARGIN = 60;

type Clashes = ReadonlyMap<string, string>;
type Put = (column: string, date: string, box: Box) => void;

/** The whole drawing. `span` are the minutes drawn before: they only grow, so that days do not jump. `clashes`: appointments in conflict. */
export function arrange(
  shown: Shown, columns: Column[], rights: { change: boolean; reserve: boolean }, span: [number, number], clashes: Clashes,
): Drawing {
  const { view, days } = shown;
  const lost = view.appointments.some((one) => one.schedules.length === 0);
  const all = lost ? [...columns.map(({ id, name }) => ({ id, name })), { id: NO_COLUMN, name: t("console.calendar.no_column") }] : columns;
  const short = shortNames(all.map((one) => one.name));
  const found = new Map<string, Lane>();
  const lanes = days.flatMap((day) =>
    all.map((one, index): Lane => {
      const key = `${day}|${one.id}`;
      const lane = { key, day, column: one.id, name: one.name, short: short[index]!, open: [], reason: "", boxes: [] };
      found.set(key, lane);
      return lane;
    }),
  );
  const put: Put = (column, date, box) => found.get(`${date}|${column}`)?.boxes.push(box);
  let [low, high] = span;
  for (const one of view.open) {
    for (const date of datesOf(one.start, one.end)) {
      const part = within(one.start, one.end, date);
      if (part) found.get(`${date}|${one.schedule}`)?.open.push(part);
    }
  }
  const wanted = new Set(days);
  appointments(view, wanted, rights.change, shown.mode === "week" || all.length > MANY, clashes, put);
  reservations(view, wanted, rights.reserve, put);
  busy(view, wanted, put);
  for (const lane of lanes) {
    stack(lane.boxes);
    if (!lane.open.length) lane.reason = reason(view, lane.day, lane.column);
    for (const [from, to] of lane.open) [low, high] = [Math.min(low, from - MARGIN), Math.max(high, to + MARGIN)];
    for (const box of lane.boxes) {
      if (box.low > 0) low = Math.min(low, box.low);
      if (box.high < DAY) high = Math.max(high, box.high);
    }
  }
  return {
    lanes,
    perDay: all.length,
    days,
    low: Math.max(0, Math.floor(low / 60) * 60),
    high: Math.min(DAY, Math.ceil(high / 60) * 60),
  };
}

export const FIRST_SPAN: [number, number] = LEAST;

/** The last name first, as far as that can be told; narrow boxes have room for little more. */
const lastFirst = (name: string) => {
  const words = name.split(" ");
  return words.length > 1 ? `${words.at(-1)}, ${words.slice(0, -1).join(" ")}` : name;
};

function appointments(view: View, wanted: Set<string>, may: boolean, narrow: boolean, clashes: Clashes, put: Put): void {
  const [online, clashing] = [t("console.calendar.online"), t("console.calendar.in_conflict")];
  const hues = colors(view.services);
  const names = new Map(view.services.map((one) => [one.id, one.name]));
  const columns = new Map(view.schedules.map((one) => [one.id, one.name]));
  const words = new Map<Status, string>();
  const word = (status: Status) => {
    let text = words.get(status);
    if (text === undefined) words.set(status, (text = statusWord(status)));
    return text;
  };
  const [hidden, nobody, template] = [t("console.calendar.patient"), t("console.calendar.nobody"), t("console.calendar.box")];
  const fill = filler(template);
  for (const one of view.appointments) {
    if (one.status === "cancelled") continue; // its time is free: only the list shows it
    const who = one.patient ? (one.patient.name ?? hidden) : nobody;
    const kind = (one.service && names.get(one.service)) ?? "";
    const status = one.status === "booked" ? "" : word(one.status);
    const from = one.start.slice(11, 16);
    const to = one.end.slice(11, 16);
    const where = one.schedules.map((id) => columns.get(id) ?? id).join(", ");
    const name = narrow ? (one.patient?.name ? lastFirst(who) : who) : `${from} ${who}`;
    const rest = narrow ? kind : [kind, status].filter(Boolean).join(" · ");
    const clash = clashes.has(one.id);
    const marks = `${one.portal ? `, ${online}` : ""}${clash ? `, ${clashing}` : ""}`;
    const base = {
      id: one.id,
      lane: 0,
      lanes: 1,
      status: one.status,
      color: (one.service && hues.get(one.service)) ?? "#6b7c7a",
      name,
      rest,
      label: `${name} ${rest}, ${fill({ from, to, status: status && !narrow ? "" : word(one.status), columns: where, note: one.note ?? "" })}${marks}`,
      online: !!one.portal,
      clash,
      noted: !!one.note,
      movable: may && !frozen(one.status),
    };
    for (const date of datesOfAppointment(one)) {
      if (!wanted.has(date)) continue;
      const part = within(one.start, one.end, date);
      if (!part) continue;
      for (const column of one.schedules.length ? one.schedules : [NO_COLUMN]) {
        put(column, date, { ...base, kind: "appointment", key: `${one.id}|${column}`, low: part[0], high: part[1], grip: base.movable && ends(one.end, date) });
        const edges: [string, number, number][] = [
          ["b", part[0] - (one.bufferBefore ?? 0), part[0]],
          ["a", part[1], part[1] + (one.bufferAfter ?? 0)],
        ];
        if (one.status === "proposed" || one.status === "noshow") continue; // takes no time
        for (const [name, low, high] of edges) {
          if (high > low) put(column, date, { ...base, kind: "buffer", key: `${one.id}|${column}|${name}`, low: Math.max(0, low), high: Math.min(DAY, high), grip: false });
        }
      }
    }
  }
}

// Nearly all begin and end on one day; asking for the dates of three thousand would take longer than drawing them.
const datesOfAppointment = (one: Appointment) =>
  dateOf(one.start) === dateOf(one.end) ? [dateOf(one.start)] : datesOf(one.start, one.end);

// The last minute lies on this day.
const ends = (end: string, date: string) => dateOf(end) === date || dateOf(plus(wallOf(end), -1)) === date;

function filler(template: string): (values: Record<string, string>) => string {
  const parts = template.split(/\{([a-z]+)\}/);
  return (values) => parts.map((part, index) => (index % 2 ? (values[part] ?? "") : part)).join("").replace(/(, )+(?=, |$)/g, "");
}

function reservations(view: View, wanted: Set<string>, may: boolean, put: Put): void {
  const word = t("console.calendar.reservation");
  for (const one of view.reservations) {
    const name = one.title ?? word;
    for (const date of datesOf(one.start, one.end)) {
      if (!wanted.has(date)) continue;
      const part = within(one.start, one.end, date);
      if (!part) continue;
      const times = `${clock(part[0])}–${clock(part[1])}`;
      for (const column of one.schedules) {
        put(column, date, {
          key: `${one.id}|${column}`, id: one.id, kind: "reservation", low: part[0], high: part[1], lane: 0, lanes: 1,
          status: "", color: "", name, rest: times, label: [`${name} ${times}`, word, one.note].filter(Boolean).join(", "), noted: !!one.note,
          movable: may, grip: may && ends(one.end, date),
        });
      }
    }
  }
}

function busy(view: View, wanted: Set<string>, put: Put): void {
  for (const one of view.busy) {
    const date = dateOf(one.start);
    const part = wanted.has(date) ? within(one.start, one.end, date) : null;
    if (!part) continue;
    const name = one.until ? t("console.calendar.held") : t("console.calendar.taken");
    put(one.schedule, date, {
      key: `busy|${one.schedule}|${one.start}`, id: "", kind: "busy", low: part[0], high: part[1], lane: 0, lanes: 1, status: "", color: "",
      name, rest: "", label: name, noted: false, movable: false, grip: false,
    });
  }
}

/** Give boxes that overlap their lanes beside each other; buffers stand in the whole width behind. */
function stack(boxes: Box[]): void {
  boxes.sort((a, b) => a.low - b.low || b.high - a.high || (a.key < b.key ? -1 : 1));
  let group: Box[] = [];
  let ends: number[] = [];
  let until = -1;
  const close = () => {
    for (const one of group) one.lanes = ends.length;
    group = [];
    ends = [];
  };
  for (const box of boxes) {
    if (box.kind === "buffer") continue;
    if (box.low >= until) {
      close();
      until = -1;
    }
    let lane = ends.findIndex((end) => end <= box.low);
    if (lane < 0) lane = ends.length;
    ends[lane] = box.high;
    box.lane = lane;
    group.push(box);
    until = Math.max(until, box.high);
  }
  close();
}

/** Why a column is not open on a day. */
export function reason(view: View, day: string, column: string): string {
  const away = view.absences.find((one) => covers(one, day) && one.schedule === column);
  if (away) return t("console.calendar.away", { reason: away.reason ?? "" }).replace(/[:\s]+$/, "");
  const shut = view.absences.find((one) => covers(one, day) && !one.schedule);
  if (shut) return t("console.calendar.shut", { reason: shut.reason ?? "" }).replace(/[:\s]+$/, "");
  return view.closed.find((one) => one.date === day)?.name ?? (column ? t("console.calendar.closed") : "");
}
const covers = (one: Absence, day: string) => one.first <= day && day <= one.last;
