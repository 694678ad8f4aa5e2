// What is said after the server said no, and the states that are compared. Asks nothing of the server.
import { Refused } from "../../lib/api";
import { confirm } from "../../lib/asking.svelte";
import { dateLong } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import { failed, toast } from "../../lib/toasts.svelte";
import type { Board } from "./board.svelte";
import type { Appointment, Wish } from "./data";
import { between, clockOf, dateOf, plus, rfc, wallOf } from "./when";

export interface Row {
  label: string;
  mine: string;
  theirs: string;
}

const CLOSED = new Set(["calendar.outside_hours", "calendar.absent", "calendar.holiday"]);
export const closedThen = (error: unknown): error is Refused => error instanceof Refused && CLOSED.has(error.code);

/** `Freitag, 27. November 2026, 08:30–09:00` */
export function spanText(start: string, end: string): string {
  const [from, to] = [wallOf(start), wallOf(end)];
  const same = dateOf(from) === dateOf(plus(to, -1));
  return same
    ? `${dateLong(dateOf(from))}, ${clockOf(from)}–${clockOf(to)}`
    : `${dateLong(dateOf(from))}, ${clockOf(from)} – ${dateLong(dateOf(to))}, ${clockOf(to)}`;
}

/** What stands in the way, as far as it is on the screen: the server names it by id. */
function inTheWay(board: Board, error: unknown): string {
  if (!(error instanceof Refused)) return "";
  const ids = (name: string) => String(error.params[name] ?? "").split(",").filter(Boolean);
  const appointments = ids("appointments").map((id) => board.appointment(id)).filter((one) => one !== undefined);
  const reservations = ids("reservations").map((id) => board.reservation(id)).filter((one) => one !== undefined);
  return [
    ...appointments.map((one) => `${clockOf(one.start)} ${one.patient?.name ?? board.kindName(one.service)}`),
    ...reservations.map((one) => one.title ?? t("console.calendar.reservation")),
  ].join(", ");
}

/** Say what was refused, with what stands in the way. */
export function refused(board: Board, error: unknown, one?: Appointment): void {
  if (error instanceof Refused && error.code === "calendar.schedule_unfit" && one) {
    return void toast("bad", error.title, t("console.calendar.unfit", { type: board.kindName(one.service) }));
  }
  const there = inTheWay(board, error);
  if (there && error instanceof Refused) toast("bad", error.title, `${t("console.calendar.there_stands", { what: there })} ${error.solution}`);
  else failed(error);
}

/** True: so it shall be although it is closed then. */
export async function allTheSame(error: Refused): Promise<boolean> {
  const text = [error.title, error.cause_].filter(Boolean).join(": ");
  return (await confirm({ title: t("console.calendar.outside_title"), text, yes: t("console.calendar.outside_yes") })) !== null;
}

/** The lines in which what somebody else made of it, or what it will be if mine holds, differs from what it was. */
export function differing<T>(lines: [string, (one: T) => string][], before: T, theirs: T, mine: T): Row[] {
  return lines
    .map(([name, text]) => ({ label: t(`console.calendar.${name}`), was: text(before), theirs: text(theirs), mine: text(mine) }))
    .filter((one) => one.theirs !== one.was || one.mine !== one.theirs);
}

/** The appointment as it would be with the wish. */
export function stated(one: Appointment, wish: Wish): Appointment {
  const { outsideHours: _outside, note, ...rest } = wish;
  const length = between(wallOf(one.start), wallOf(one.end));
  const end = wish.end ?? (wish.start ? rfc(plus(wallOf(wish.start), length)) : one.end);
  return { ...one, ...rest, end, note: note === undefined ? one.note : (note ?? undefined) };
}

/** What a drag by days, minutes and to another column asks for. */
export function moveWish(one: { start: string; end: string; schedules: string[] }, minutes: number, from: string, to: string) {
  const start = rfc(plus(wallOf(one.start), minutes));
  const end = rfc(plus(wallOf(one.end), minutes));
  const kept = one.schedules.filter((id) => id !== from && id !== to);
  return { start, end, schedules: from === to ? one.schedules : [...kept, to] };
}

