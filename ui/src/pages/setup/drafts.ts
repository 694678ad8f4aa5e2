// What is typed in the wizard before it is sent: columns, a week of hours, types to choose from.
import { t } from "../../lib/i18n.svelte";
import { typedClock } from "../../lib/typed";

export interface Step {
  name: string;
  title: string;
  help: string;
  state: "done" | "open" | "skipped";
  page: string | null;
}
export interface Steps {
  steps: Step[];
  complete: boolean;
}

export interface ColumnDraft {
  key: number;
  name: string;
  prefix: string;
  given: string;
  family: string;
  released: boolean;
}
let last = 0;
export const column = (): ColumnDraft => ({ key: ++last, name: "", prefix: "", given: "", family: "", released: false });

/** One weekday: up to two periods, `HH:MM` or empty. */
export interface DayDraft {
  day: number;
  open: boolean;
  periods: [[string, string], [string, string]];
}

/** Monday to Friday as most practices have it; Friday afternoon is free. */
export function week(): DayDraft[] {
  return [1, 2, 3, 4, 5, 6, 7].map((day) => ({
    day,
    open: day < 6,
    periods: [["08:00", day === 5 ? "13:00" : "12:00"], day < 5 ? ["13:00", "17:00"] : ["", ""]],
  }));
}

export interface Hours {
  days: number[];
  start: string;
  end: string;
}

const whole = ([start, end]: [string, string]) => typedClock(start) === start && typedClock(end) === end && start < end;

/** The first day whose times are none, or null. */
export function badDay(days: DayDraft[]): number | null {
  for (const one of days.filter((day) => day.open)) {
    const given = one.periods.filter(([start, end]) => start || end);
    if (!given.length || !given.every(whole)) return one.day;
    if (given.length === 2 && given[1]![0] < given[0]![1]) return one.day;
  }
  return null;
}

/** The week as rules: days with the same period stand together. */
export function hours(days: DayDraft[]): Hours[] {
  const found = new Map<string, Hours>();
  for (const one of days.filter((day) => day.open)) {
    for (const [start, end] of one.periods.filter((period) => period[0])) {
      const key = `${start} ${end}`;
      const rule = found.get(key) ?? { days: [], start, end };
      rule.days.push(one.day);
      found.set(key, rule);
    }
  }
  return [...found.values()];
}

export interface TypeDraft {
  key: number;
  taken: boolean;
  name: string;
  duration: number | null;
  released: boolean;
}
export type Kind = "dental" | "general";
const SUGGESTED: Record<Kind, [string, number, boolean][]> = {
  dental: [["first", 45, true], ["check", 30, true], ["cleaning", 60, true], ["treatment", 45, true], ["crown", 30, false], ["pain", 15, false]],
  general: [["talk", 15, true], ["first", 30, true], ["checkup", 45, true], ["vaccination", 10, false], ["blood", 10, false], ["urgent", 10, false]],
};

/** What practices of this kind usually book, in the reader's language; those nearly all have are ticked. */
export const suggested = (kind: Kind): TypeDraft[] =>
  SUGGESTED[kind].map(([word, duration, taken]) => ({ key: ++last, taken, name: t(`console.setup.kind.${kind}_${word}`), duration, released: false }));
export const ownType = (): TypeDraft => ({ key: ++last, taken: true, name: "", duration: 30, released: false });
export const goodDuration = (minutes: number | null) => !!minutes && minutes >= 5 && minutes <= 1440 && minutes % 5 === 0;
