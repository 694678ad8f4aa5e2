// Opening hours as people think of them: a week with the times of each day; more weeks where some hold only for a while.
//
// The server keeps rules (days, from, to); a block gathers all rules that hold under the same conditions.
import { date, weekdays } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import type { OpeningException, OpeningRule } from "../../lib/records";
import { clockMinutes, typedClock } from "../../lib/typed";

export interface Period {
  start: string;
  end: string;
}
export interface Block {
  validFrom: string;
  validTo: string;
  everyWeeks: number | null;
  services: string[];
  /** A rule of RFC 5545 (set by a program): of the days only those that it names; empty: all. */
  rule: string;
  /** Monday … Sunday. */
  days: Period[][];
}
export interface SingleDay {
  date: string;
  open: boolean;
  periods: Period[];
}
export const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;

export const blankBlock = (): Block => ({ validFrom: "", validTo: "", everyWeeks: 1, services: [], rule: "", days: DAYS.map(() => []) });
const byStart = (a: Period, b: Period) => a.start.localeCompare(b.start) || a.end.localeCompare(b.end);

export function toBlocks(rules: OpeningRule[]): Block[] {
  const found = new Map<string, Block>();
  for (const rule of rules) {
    const services = [...(rule.services ?? [])].sort();
    const key = JSON.stringify([rule.validFrom ?? "", rule.validTo ?? "", rule.everyWeeks ?? 1, services, rule.rule ?? ""]);
    let block = found.get(key);
    if (!block) {
      block = { ...blankBlock(), validFrom: rule.validFrom ?? "", validTo: rule.validTo ?? "", everyWeeks: rule.everyWeeks ?? 1, services, rule: rule.rule ?? "" };
      found.set(key, block);
    }
    for (const day of rule.days) block.days[day - 1]!.push({ start: rule.start, end: rule.end });
  }
  for (const block of found.values()) for (const day of block.days) day.sort(byStart);
  return found.size ? [...found.values()] : [blankBlock()];
}

export function toRules(blocks: Block[]): OpeningRule[] {
  return blocks.flatMap((block) => {
    const found = new Map<string, OpeningRule>();
    block.days.forEach((periods, index) => {
      for (const { start, end } of periods) {
        const rule = found.get(`${start}-${end}`);
        if (!rule) found.set(`${start}-${end}`, { days: [index + 1], start, end, ...conditions(block) });
        else if (!rule.days.includes(index + 1)) rule.days.push(index + 1);
      }
    });
    return [...found.values()];
  });
}

function conditions(block: Block): Partial<OpeningRule> {
  return {
    ...(block.validFrom && { validFrom: block.validFrom }),
    ...(block.validTo && { validTo: block.validTo }),
    ...((block.everyWeeks ?? 1) > 1 && { everyWeeks: block.everyWeeks! }),
    ...(block.services.length && { services: block.services }),
    ...(block.rule && { rule: block.rule }),
  };
}

export const toSingleDays = (exceptions: OpeningException[]): SingleDay[] =>
  [...exceptions]
    .sort((a, b) => a.date.localeCompare(b.date))
    .map((one) => ({ date: one.date, open: !!one.open?.length, periods: (one.open ?? []).map(([start, end]) => ({ start, end })) }));

export const toExceptions = (days: SingleDay[]): OpeningException[] =>
  days.map((one) => ({ date: one.date, open: one.open ? [...one.periods].sort(byStart).map(({ start, end }) => [start, end] as [string, string]) : [] }));

/** What is wrong with the times of one day, period by period; empty strings where all is well. */
export function periodErrors(periods: Period[]): string[] {
  const good = periods.map((one) => typedClock(one.start) === one.start && typedClock(one.end) === one.end);
  return periods.map((one, index) => {
    if (!good[index]) return t("console.hours.wrong_time");
    const [start, end] = [clockMinutes(one.start), clockMinutes(one.end)];
    if (end <= start) return t("console.hours.wrong_order");
    const meets = periods.some((other, at) => at !== index && good[at] && clockMinutes(other.start) < end && clockMinutes(other.end) > start);
    return meets ? t("console.hours.wrong_overlap") : "";
  });
}

export interface LimitErrors {
  everyWeeks: string;
  validFrom: string;
  validTo: string;
}
export function limitErrors(block: Block): LimitErrors {
  const weeks = block.everyWeeks;
  return {
    everyWeeks: weeks !== null && Number.isInteger(weeks) && weeks >= 1 && weeks <= (block.rule ? 1 : 52) ? "" : t("console.hours.wrong_weeks"),
    validFrom: ((weeks ?? 1) > 1 || block.rule) && !block.validFrom ? t("console.hours.wrong_since") : "",
    validTo: block.validFrom && block.validTo && block.validTo < block.validFrom ? t("console.hours.wrong_until") : "",
  };
}

export const blocksGood = (blocks: Block[]) =>
  blocks.every((block) => Object.values(limitErrors(block)).every((one) => !one) && block.days.every((day) => periodErrors(day).every((one) => !one)));

/** What is wrong with the date or the lack of times of each single day. */
export function dayErrors(days: SingleDay[]): { date: string; periods: string }[] {
  return days.map((one, index) => ({
    date: !one.date
      ? t("console.exceptions.wrong_date")
      : days.some((other, at) => at < index && other.date === one.date) ? t("console.exceptions.wrong_twice") : "",
    periods: one.open && !one.periods.length ? t("console.exceptions.wrong_empty") : "",
  }));
}

export const daysGood = (days: SingleDay[]) =>
  dayErrors(days).every((one) => !one.date && !one.periods) &&
  days.every((one) => !one.open || periodErrors(one.periods).every((why) => !why));

const periodWords = (periods: Period[]) =>
  periods.map((one) => `${one.start || "…"}–${one.end || "…"}`).join(` ${t("console.hours.and")} `);

function limitWords(block: Block, service: (id: string) => string): string {
  const found = [
    block.rule && t("console.hours.by_rule"),
    (block.everyWeeks ?? 1) > 1 && t("console.hours.rhythm", { n: block.everyWeeks ?? 1 }),
    block.validFrom && t("console.hours.since", { date: date(block.validFrom) }),
    block.validTo && t("console.hours.until", { date: date(block.validTo) }),
    block.services.length && t("console.hours.only", { services: block.services.map(service).join(", ") }),
  ].filter(Boolean);
  return found.length ? ` (${found.join(", ")})` : "";
}

/** `Mo–Do 08:00–12:00 und 13:00–17:00, Fr 08:00–13:00` */
export function blockWords(block: Block, service: (id: string) => string): string {
  const groups = new Map<string, number[]>();
  block.days.forEach((periods, index) => {
    const words = periodWords(periods);
    if (words) groups.set(words, [...(groups.get(words) ?? []), index + 1]);
  });
  const words = [...groups].map(([times, days]) => `${weekdays(days)} ${times}`).join(", ");
  return words ? words + limitWords(block, service) : "";
}

export const hoursWords = (blocks: Block[], service: (id: string) => string) =>
  blocks.map((one) => blockWords(one, service)).filter(Boolean).join("; ") || t("console.hours.words_none");

export const singleWords = (days: SingleDay[]) =>
  days.map((one) => (one.open ? `${date(one.date)} ${periodWords(one.periods)}` : t("console.exceptions.words_closed", { date: date(one.date) }))).join("; ");

