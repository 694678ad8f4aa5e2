// Dates, times and numbers as the reader writes them, in the practice's time zone wherever the browser stands.
import { lang } from "./i18n.svelte";
import { session } from "./session.svelte";

const kept = new Map<string, Intl.DateTimeFormat>();

/** The practice's time zone. */
export function zone(): string {
  return session.me?.organization.zone ?? "Europe/Berlin";
}

const locale = () => (lang() === "de" ? "de-DE" : "en-GB");

function formatter(options: Intl.DateTimeFormatOptions, timeZone: string): Intl.DateTimeFormat {
  const key = `${locale()} ${timeZone} ${JSON.stringify(options)}`;
  let found = kept.get(key);
  if (!found) kept.set(key, (found = new Intl.DateTimeFormat(locale(), { ...options, timeZone })));
  return found;
}

type When = string | number | Date;
const instant = (when: When) => (when instanceof Date ? when : new Date(when));

/** `08:30` */
export const time = (when: When) => formatter({ hour: "2-digit", minute: "2-digit" }, zone()).format(instant(when));
/** `Do., 26.11.2026` */
export const day = (when: When) =>
  formatter({ weekday: "short", day: "2-digit", month: "2-digit", year: "numeric" }, zone()).format(instant(when));
/** The last day before a moment: what runs out at midnight ends on the day before. */
export const lastDay = (end: string) => day(new Date(Date.parse(end) - 1));
/** `Donnerstag, 26. November 2026` */
export const longDay = (when: When) =>
  formatter({ weekday: "long", day: "numeric", month: "long", year: "numeric" }, zone()).format(instant(when));
/** `26.11.2026, 08:30` */
export const moment = (when: When) =>
  formatter({ day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit" }, zone()).format(
    instant(when),
  );
/** `26.11.2026, 08:30:05` */
export const second = (when: When) =>
  formatter(
    { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
    zone(),
  ).format(instant(when));
/** A calendar date (YYYY-MM-DD, no time zone) as `26.11.2026`; partial dates as they are. */
export function date(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
  return formatter({ day: "2-digit", month: "2-digit", year: "numeric" }, "UTC").format(new Date(`${text}T00:00:00Z`));
}
/** A calendar date with its weekday. */
export function dateLong(text: string): string {
  const options = { weekday: "long", day: "numeric", month: "long", year: "numeric" } as const;
  return formatter(options, "UTC").format(new Date(`${text}T00:00:00Z`));
}
export const number = (value: number) => new Intl.NumberFormat(locale()).format(value);
/** A length of time in the largest unit that fits: `1 Tag`, `2 Stunden`, `45 Minuten`. */
export function length(minutes: number): string {
  const [unit, size] = minutes && minutes % 1440 === 0 ? ["day", 1440] as const : minutes && minutes % 60 === 0 ? ["hour", 60] as const : ["minute", 1] as const;
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format(minutes / size);
}
/** Monday … Sunday by ISO number 1 … 7. */
export function weekday(iso: number, style: "short" | "long" = "short"): string {
  return formatter({ weekday: style }, "UTC").format(new Date(Date.UTC(2024, 0, iso)));
}

/** ISO weekdays, ascending; three and more in a row as `Mo–Do`. */
export function weekdays(days: number[]): string {
  const runs: number[][] = [];
  for (const one of days) {
    const last = runs.at(-1);
    if (last && last.at(-1) === one - 1) last.push(one);
    else runs.push([one]);
  }
  const name = (one: number) => weekday(one).replace(/\.$/, "");
  return runs.map((run) => (run.length > 2 ? `${name(run[0]!)}–${name(run.at(-1)!)}` : run.map(name).join(", "))).join(", ");
}

const parts = (when: Date, timeZone: string) =>
  Object.fromEntries(
    new Intl.DateTimeFormat("en-CA", {
      timeZone, hourCycle: "h23",
      year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    }).formatToParts(when).map((one) => [one.type, one.value]),
  ) as Record<string, string>;

/** The wall time of an instant in the practice: `2026-11-26T08:30:00`. */
export function wall(when: When): string {
  const p = parts(instant(when), zone());
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}`;
}

/** The practice's local date of an instant: `2026-11-26`. */
export const localDate = (when: When) => wall(when).slice(0, 10);

/** RFC 3339 of a wall time in the practice (`2026-11-26T08:30`); of a time that does not exist, the one after the gap. */
export function fromWall(text: string): string {
  const plain = text.length === 16 ? `${text}:00` : text.slice(0, 19);
  const asUtc = Date.parse(`${plain}Z`);
  let guess = asUtc;
  for (let n = 0; n < 2; n++) guess = asUtc - (Date.parse(`${wall(guess)}Z`) - guess);
  const minutes = Math.round((Date.parse(`${wall(guess)}Z`) - guess) / 60000);
  const two = (value: number) => String(Math.trunc(Math.abs(value))).padStart(2, "0");
  return `${wall(guess)}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** A calendar date some days later. */
export function plusDays(text: string, days: number): string {
  return new Date(Date.parse(`${text}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** ISO weekday (1 = Monday) of a calendar date. */
export const isoWeekday = (text: string) => ((new Date(`${text}T00:00:00Z`).getUTCDay() + 6) % 7) + 1;

/** Today in the practice. */
export const today = () => localDate(new Date());
