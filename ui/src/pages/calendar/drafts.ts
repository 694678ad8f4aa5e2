// Forms of appointments as they are typed, and what they ask the server for. Pure.
import type { Appointment, FullKind } from "./data";
import { between, clockOf, dateOf, plus, rfc, wallOf } from "./when";

export interface When {
  date: string;
  time: string;
  length: number | null;
  /** One per group of the type; empty: any that is free. */
  columns: string[];
}

/** The groups of a type; of an appointment without one, each of its columns may be any. */
export function groupsOf(kind: FullKind | undefined, one: Pick<Appointment, "schedules"> | null, all: string[]): string[][] {
  if (kind) return kind.groups;
  return one?.schedules.length ? one.schedules.map(() => all) : [all];
}

/** For each group the column of it that is among `schedules`. */
export function columnsIn(groups: string[][], schedules: string[]): string[] {
  const left = [...schedules];
  return groups.map((group) => {
    const at = left.findIndex((one) => group.includes(one));
    return at < 0 ? "" : left.splice(at, 1)[0]!;
  });
}

/** The form of an appointment as it is. */
export function whenOf(one: Pick<Appointment, "start" | "end" | "schedules">, groups: string[][]): When {
  const [start, end] = [wallOf(one.start), wallOf(one.end)];
  return { date: dateOf(start), time: clockOf(start), length: between(start, end), columns: columnsIn(groups, one.schedules) };
}

export const sameWhen = (a: When, b: When) =>
  a.date === b.date && a.time === b.time && a.length === b.length && a.columns.join() === b.columns.join();

/** Start and end for the server. */
export function timesOf(when: When): { start: string; end: string } {
  const wall = `${when.date}T${when.time}`;
  return { start: rfc(wall), end: rfc(plus(wall, when.length ?? 0)) };
}

/** Is it complete? */
export const whole = (when: When) => /^\d{4}-\d{2}-\d{2}$/.test(when.date) && /^\d{2}:\d{2}$/.test(when.time) && (when.length ?? 0) > 0;
