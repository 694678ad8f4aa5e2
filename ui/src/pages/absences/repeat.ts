// How an absence repeats: what a form offers, and the rule of RFC 5545 it stands for.
import { isoWeekday } from "../../lib/format";

export const REPEATS = ["never", "year", "weeks", "month", "own"] as const;
export interface Repeat {
  repeats: (typeof REPEATS)[number];
  weeks: number | null;
  until: string;
  own: string;
}
export const blankRepeat = (): Repeat => ({ repeats: "never", weeks: 1, until: "", own: "" });
/** An absence that repeats lasts at most so many days (the server says the same). */
export const MOST_DAYS = 62;
const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/** The day of the month as "the second Tuesday"; a fifth one is the last. */
export function nthWeekday(first: string): string {
  const nth = Math.ceil(Number(first.slice(8)) / 7);
  return `${nth === 5 ? -1 : nth}${DAYS[isoWeekday(first) - 1]}`;
}

/** The rule of what was chosen; empty where nothing repeats. */
export function ruleOf(one: Repeat, first: string): string {
  if (one.repeats === "never" || !first) return "";
  if (one.repeats === "own") return one.own.trim();
  const end = one.until ? `;UNTIL=${one.until.replaceAll("-", "")}` : "";
  if (one.repeats === "year") return `FREQ=YEARLY${end}`;
  if (one.repeats === "weeks") return `FREQ=WEEKLY;INTERVAL=${one.weeks ?? 1}${end}`;
  return `FREQ=MONTHLY;BYDAY=${nthWeekday(first)}${end}`;
}
export const weeksGood = (one: Repeat) => one.repeats !== "weeks" || (Number.isInteger(one.weeks) && one.weeks! >= 1 && one.weeks! <= 52);
