// Jobs: what runs by itself, when, in words.
import { post } from "./api";
import { date, length, moment, number, weekdays } from "./format";
import { has, t } from "./i18n.svelte";

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
  /** Due times of seven days, at most so many as the server tells: `more` follow, the last one at `until`. */
  upcoming: string[];
  more: number;
  until: string | null;
  lastRun: Run | null;
  /** Jobs that should have run before this one. */
  follows: string[];
  /** Why this job may not find what it needs: planned before, or too soon after, another one. */
  warnings: Warning[];
}

export interface Warning {
  code: string;
  title: string;
  cause: string;
  solution: string;
  earlier: string;
  later: string;
}

/** What can be set of a job; left out stays as it is. */
export interface JobChange {
  plan?: Plan;
  enabled?: boolean;
  missed?: Job["missed"];
  maxAgeS?: number;
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
  /** Cause and solution of what the message says. */
  explanation: string | null;
  triggeredBy: string;
  triggeredByName: string | null;
  /** What it left in the activity list, and how much of that went wrong. */
  activity: { events: number; errors: number } | null;
  progress: { done: number; total: number } | null;
}

export const TONES = {
  waiting: "info", running: "info", interrupted: "warn", success: "good", failed: "bad", missed: "warn", cancelled: "plain",
} as const;
/** A run in one of these states is not over. */
export const LASTING: ReadonlySet<string> = new Set(["waiting", "running", "interrupted"]);
/** Days as a plan names them, Monday first. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** The same job as if this plan were saved, with its due times of the next seven days. */
export const preview = (job: string, plan: Plan, signal?: AbortSignal) =>
  post<Job>(`/jobs/${job}/preview`, { plan }, { signal });

/** The jobs this one waits for, the nearest first; none for a job with times of its own. */
export function waitsFor(job: Job, jobs: Job[]): string[] {
  const found: string[] = [];
  let one: Job | undefined = job;
  while (one?.plan.type === "after" && !found.includes(one.plan.job) && one.plan.job !== job.name) {
    const next: string = one.plan.job;
    found.push(next);
    one = jobs.find((other) => other.name === next);
  }
  return found;
}

/** The first job of the chain this one waits in, by name; empty for a job with times of its own. */
export const chainOf = (job: Job, jobs: Job[]): string => waitsFor(job, jobs).at(-1) ?? "";

/** `alle 15 Minuten`, `jede Stunde` */
export function stepWords(minutes: number): string {
  if (minutes % 60 === 0) {
    const n = minutes / 60;
    return n === 1 ? t("console.plan.each_hour") : t("console.plan.hours", { n: number(n) });
  }
  return minutes === 1 ? t("console.plan.each_minute") : t("console.plan.minutes", { n: number(minutes) });
}

/** ` um 10:00 Uhr`, `, alle 10 Minuten von 10:10 bis 19:50 Uhr` */
function withinWords(within: Within): string {
  if (within.type === "at") return ` ${t("console.plan.at", { time: within.time })}`;
  const step = stepWords(within.minutes);
  if (within.start === "00:00" && within.end >= "23:00") return `, ${t("console.plan.all_day", { step })}`;
  return `, ${t("console.plan.window", { step, start: within.start, end: within.end })}`;
}

const times = (n: number, one: string, many: string) => (n === 1 ? t(one) : t(many, { n: number(n) }));

/** `, gezählt ab 01.12.2026`: where counting begins, if that matters. */
function anchorWords(every: number, anchor: string | null): string {
  return anchor ? t(every > 1 ? "console.plan.counted_from" : "console.plan.not_before", { date: date(anchor) }) : "";
}

/** A plan as a person would say it. `title` gives the title of another job. */
export function planWords(plan: Plan, title: (job: string) => string = (job) => job): string {
  switch (plan.type) {
    case "daily":
      return `${times(plan.every, "console.plan.daily", "console.plan.days")}${withinWords(plan.within)}${anchorWords(plan.every, plan.anchor)}`;
    case "weekly": {
      const days = weekdays(DAYS.flatMap((one, index) => (plan.days.includes(one) ? [index + 1] : [])));
      return `${times(plan.every, "console.plan.weekly", "console.plan.weeks")} (${days})${withinWords(plan.within)}${anchorWords(plan.every, plan.anchor)}`;
    }
    case "monthly": {
      const day = plan.day === 31 ? t("console.plan.last_day") : t("console.plan.day", { n: plan.day });
      return `${times(plan.every, "console.plan.monthly", "console.plan.months")} ${day}${withinWords(plan.within)}${anchorWords(plan.every, plan.anchor)}`;
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

/** `2 Tage`, `1 Stunde`, `45 Minuten` */
export const ageWords = (seconds: number) => length(Math.round(seconds / 60));

/** `3 Min. 20 Sek.`: how long a run took; empty while it has not ended. */
export function tookWords(run: Run): string {
  if (!run.startedAt || !run.endedAt) return "";
  const seconds = Math.max(0, Math.round((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000));
  if (seconds < 60) return seconds < 1 ? t("console.runs.under_second") : t("console.runs.seconds", { n: number(seconds) });
  return t("console.runs.minutes", { n: number(Math.floor(seconds / 60)), seconds: number(seconds % 60) });
}

/** What a run counted, with its words; noughts are left out. */
export const countWords = (counts: Record<string, number>) =>
  Object.entries(counts).filter(([, n]) => n).map(([key, n]) => ({ label: has(`console.count.${key}`) ? t(`console.count.${key}`) : key, value: number(n) }));
