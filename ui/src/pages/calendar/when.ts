// Wall times of the practice as texts (`2026-11-26T08:30`): what the calendar counts with, whatever zone the browser has.
//
// The server writes every time with the practice's offset, so its first 16 characters are the wall time.
import { date as dateText, fromWall, isoWeekday, plusDays, weekday } from "../../lib/format";

export const DAY = 1440;
const MINUTE_MS = 60_000;
const two = (value: number) => String(value).padStart(2, "0");

/** The wall time of a time the server wrote. */
export const wallOf = (rfc: string) => rfc.slice(0, 16);
export const dateOf = (text: string) => text.slice(0, 10);
export const clockOf = (text: string) => text.slice(11, 16);
/** Minutes since midnight. */
export const minuteOf = (text: string) => Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16));

/** `HH:MM` of minutes since midnight; the end of a day is `24:00`. */
export const clock = (minute: number) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;

/** A wall time some minutes later (or earlier) on the clock. */
export const plus = (wall: string, minutes: number) =>
  new Date(Date.parse(`${wall}:00Z`) + minutes * MINUTE_MS).toISOString().slice(0, 16);

/** Minutes on the clock from one wall time to another. */
export const between = (from: string, to: string) => (Date.parse(`${to}:00Z`) - Date.parse(`${from}:00Z`)) / MINUTE_MS;

/** The wall time of a date and minutes since its midnight (which may lie on another day). */
export const on = (date: string, minute: number) => plus(`${date}T00:00`, minute);

/** The minutes of a period that lie on a date, cut at its midnights; null where none do. */
export function within(start: string, end: string, date: string): [number, number] | null {
  const first = dateOf(start);
  const last = dateOf(end);
  if (first > date || last < date) return null;
  const low = first < date ? 0 : minuteOf(start);
  const high = last > date ? DAY : minuteOf(end);
  return high > low ? [low, high] : null;
}

/** The dates a period touches. */
export function datesOf(start: string, end: string): string[] {
  const last = dateOf(plus(wallOf(end), -1));
  const found = [dateOf(start)];
  while (found.at(-1)! < last && found.length < 400) found.push(plusDays(found.at(-1)!, 1));
  return found;
}

/** The Monday of the week of a date. */
export const monday = (date: string) => plusDays(date, 1 - isoWeekday(date));

/** `Fr. 04.12.`: a date of these weeks. */
export const shortDate = (date: string) => `${weekday(isoWeekday(date))} ${dateText(date).replace(/\/?\d{4}$/, "")}`;

/** RFC 3339 of a wall time, for the server. */
export const rfc = fromWall;

/** ISO 8601 week number. */
export function week(date: string): number {
  const thursday = plusDays(monday(date), 3);
  const first = `${thursday.slice(0, 4)}-01-01`;
  return Math.floor((Date.parse(`${thursday}T00:00Z`) - Date.parse(`${first}T00:00Z`)) / (7 * 86_400_000)) + 1;
}

/** What of the drawn minutes is not open. */
export function shutOf(open: [number, number][], low: number, high: number): [number, number][] {
  const found: [number, number][] = [];
  let at = low;
  for (const [from, to] of [...open].sort((a, b) => a[0] - b[0])) {
    if (from > at) found.push([at, Math.min(from, high)]);
    at = Math.max(at, to);
  }
  if (at < high) found.push([at, high]);
  return found;
}

/** Minutes of now where `day` is today, else null. */
export const nowMinute = (wallNow: string, day: string) => (dateOf(wallNow) === day ? minuteOf(wallNow) : null);
