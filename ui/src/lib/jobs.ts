// Jobs: what runs by itself, when, in words.
import { post } from "./api";
import { moment, number, weekday } from "./format";
import { t } from "./i18n.svelte";

export type Within = { type: "at"; time: string } | { type: "repeat"; minutes: number; start: string; end: string };
export type Plan =
  | { type: "daily"; within: Within; every: number; anchor: string | null }
  | { type: "weekly"; within: Within; days: string[]; every: number; anchor: string | null }
  | { type: "monthly"; within: Within; day: number; every: number; anchor: string | null }
  | { type: "once"; at: number }
  | { type: "after"; job: string }
  | { type: "cron"; expression: string };

export interface Job {
  name: string;
  title: string;
  help: string;
  plan: Plan;
  enabled: boolean;
  missed: "none" | "once" | "all";
  maxAgeS: number;
  zone: string;
  version: number;
  nextAt: string | null;
  upcoming: string[];
  lastRun: Run | null;
}

export interface Run {
  id: string;
  job: string;
  state: "waiting" | "running" | "interrupted" | "success" | "failed" | "missed" | "cancelled";
  dueAt: string;
  startedAt: string | null;
  endedAt: string | null;
  attempt: number;
  counts: Record<string, number>;
  code: string | null;
  message: string | null;
  triggeredBy: string;
  progress: { done: number; total: number } | null;
}

export const TONES = {
  waiting: "info", running: "info", interrupted: "warn", success: "good", failed: "bad", missed: "warn", cancelled: "plain",
} as const;
/** A run in one of these states is not over. */
export const LASTING: ReadonlySet<string> = new Set(["waiting", "running", "interrupted"]);
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** The same job as if this plan were saved, with its due times of the next seven days. */
export const preview = (job: string, plan: Plan, signal?: AbortSignal) =>
  post<Job>(`/jobs/${job}/preview`, { plan }, { signal });

/** `alle 15 Minuten`, `jede Stunde` */
export function stepWords(minutes: number): string {
  if (minutes % 60 === 0) {
    const n = minutes / 60;
    return n === 1 ? t("console.plan.each_hour") : t("console.plan.hours", { n: number(n) });
  }
  return minutes === 1 ? t("console.plan.each_minute") : t("console.plan.minutes", { n: number(minutes) });
}

function withinWords(within: Within): string {
  if (within.type === "at") return t("console.plan.at", { time: within.time });
  const step = stepWords(within.minutes);
  if (within.start === "00:00" && within.end >= "23:00") return t("console.plan.all_day", { step });
  return t("console.plan.window", { step, start: within.start, end: within.end });
}

const times = (n: number, one: string, many: string) => (n === 1 ? t(one) : t(many, { n: number(n) }));

/** A plan as a person would say it. `title` gives the title of another job. */
export function planWords(plan: Plan, title: (job: string) => string = (job) => job): string {
  switch (plan.type) {
    case "daily":
      return `${times(plan.every, "console.plan.daily", "console.plan.days")} ${withinWords(plan.within)}`;
    case "weekly": {
      const days = DAYS.flatMap((one, index) => (plan.days.includes(one) ? [weekday(index + 1, "long")] : [])).join(", ");
      return `${times(plan.every, "console.plan.weekly", "console.plan.weeks")} (${days}) ${withinWords(plan.within)}`;
    }
    case "monthly": {
      const day = plan.day === 31 ? t("console.plan.last_day") : t("console.plan.day", { n: plan.day });
      return `${times(plan.every, "console.plan.monthly", "console.plan.months")} ${day} ${withinWords(plan.within)}`;
    }
    case "once":
      return t("console.plan.once", { at: moment(plan.at * 1000) });
    case "after":
      return t("console.plan.after", { job: title(plan.job) });
    case "cron":
      return t("console.plan.cron", { expression: plan.expression });
  }
}

/** The policy for missed runs in words, with the age up to which they are caught up on. */
export function missedWords(job: Job): string {
  if (job.missed === "none") return t("console.word.missed.none");
  return t("console.jobs.missed_words", { what: t(`console.word.missed.${job.missed}`), age: ageWords(job.maxAgeS) });
}

export function ageWords(seconds: number): string {
  const hours = Math.round(seconds / 3600);
  if (hours >= 48 && hours % 24 === 0) return t("console.plan.n_days", { n: number(hours / 24) });
  return hours === 1 ? t("console.plan.one_hour") : t("console.plan.n_hours", { n: number(hours) });
}
