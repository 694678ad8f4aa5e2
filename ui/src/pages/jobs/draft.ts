// The schedule of a job as it stands in the form: every field by itself, so that half-typed plans can be shown and told.
import { clockMinutes, typedClock } from "../../lib/typed";
import { fromWall, moment, number, plusDays, today, wall } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import { ageWords, DAYS, planWords, type Job, type JobChange, type Plan, type Within } from "../../lib/jobs";
import type { Read, Shown } from "../../lib/editing.svelte";

export type Rhythm = Plan["type"];
export interface PlanDraft {
  rhythm: Rhythm;
  every: number | null;
  days: string[];
  day: number | null;
  /** The day counting begins with (ISO), empty for none. */
  anchor: string;
  within: Within["type"];
  time: string;
  step: number | null;
  /** Minutes in a unit of `step`: 1 or 60. */
  unit: number;
  start: string;
  end: string;
  after: string;
  /** Wall time of a single run (`2026-11-26T08:30`). */
  at: string;
  cron: string;
}
export interface JobDraft {
  enabled: boolean;
  plan: PlanDraft;
  missed: Job["missed"];
  /** Minutes. */
  maxAge: number | null;
}
export type Wrong = Partial<Record<keyof PlanDraft | "maxAge", string>>;

const MOST = { daily: 366, weekly: 52, monthly: 60 } as const;
const MOST_AGE = 366 * 24 * 60;
const DAY_MINUTES = 24 * 60;

export function draftOf(job: Job): JobDraft {
  return { enabled: job.enabled, plan: planDraft(job.plan), missed: job.missed, maxAge: Math.round(job.maxAgeS / 60) };
}

function planDraft(plan: Plan): PlanDraft {
  const empty: PlanDraft = {
    rhythm: plan.type, every: 1, days: ["mon", "tue", "wed", "thu", "fri"], day: 1, anchor: "", within: "at", time: "06:00",
    step: 1, unit: 60, start: "08:00", end: "18:00", after: "", at: `${plusDays(today(), 1)}T06:00`, cron: "",
  };
  if (plan.type === "after") return { ...empty, after: plan.job };
  if (plan.type === "cron") return { ...empty, cron: plan.expression };
  if (plan.type === "once") return { ...empty, at: wall(plan.at * 1000).slice(0, 16) };
  const { within, every, anchor } = plan;
  return {
    ...empty,
    every,
    anchor: anchor ?? "",
    ...(plan.type === "weekly" && { days: DAYS.filter((one) => plan.days.includes(one)) }),
    ...(plan.type === "monthly" && { day: plan.day }),
    within: within.type,
    ...(within.type === "at"
      ? { time: within.time }
      : { ...stepOf(within.minutes), start: within.start, end: within.end }),
  };
}

const stepOf = (minutes: number) => (minutes % 60 === 0 ? { step: minutes / 60, unit: 60 } : { step: minutes, unit: 1 });

/** The plan that is meant; only where `wrongs` finds nothing. */
export function planOf(draft: PlanDraft): Plan {
  const every = draft.every ?? 1;
  const anchor = draft.anchor || null;
  const within: Within =
    draft.within === "at"
      ? { type: "at", time: draft.time }
      : { type: "repeat", minutes: (draft.step ?? 1) * draft.unit, start: draft.start, end: draft.end };
  switch (draft.rhythm) {
    case "daily":
      return { type: "daily", within, every, anchor };
    case "weekly":
      return { type: "weekly", within, days: draft.days, every, anchor };
    case "monthly":
      return { type: "monthly", within, day: draft.day ?? 1, every, anchor };
    case "once":
      return { type: "once", at: Math.floor(Date.parse(fromWall(draft.at)) / 1000) };
    case "after":
      return { type: "after", job: draft.after };
    case "cron":
      return { type: "cron", expression: draft.cron.trim() };
  }
}

const whole = (value: number | null, low: number, high: number) => value !== null && Number.isInteger(value) && value >= low && value <= high;
const between = (low: number, high: number) => t("console.jobs.wrong_number", { low: number(low), high: number(high) });
const isClock = (text: string) => typedClock(text) === text && text < "24:00";

/** What is wrong with each field that counts; empty: it can be saved, as far as the form can tell. */
export function wrongs(draft: JobDraft): Wrong {
  const { plan, missed, maxAge } = draft;
  const found: Wrong = {};
  if (missed !== "none" && !whole(maxAge, 1, MOST_AGE)) found.maxAge = t("console.jobs.wrong_age");
  if (plan.rhythm === "after") {
    if (!plan.after) found.after = t("console.jobs.wrong_after");
  } else if (plan.rhythm === "cron") {
    if (plan.cron.trim().split(/\s+/).length !== 5) found.cron = t("console.jobs.wrong_cron");
  } else if (plan.rhythm === "once") {
    if (!plan.at) found.at = t("console.jobs.wrong_at");
    else if (Date.parse(fromWall(plan.at)) < Date.now()) found.at = t("console.jobs.wrong_past");
  } else {
    const most = MOST[plan.rhythm];
    if (!whole(plan.every, 1, most)) found.every = between(1, most);
    if (plan.rhythm === "weekly" && !plan.days.length) found.days = t("console.jobs.wrong_days");
    if (plan.rhythm === "monthly" && !whole(plan.day, 1, 31)) found.day = between(1, 31);
    if (plan.anchor && !/^\d{4}-\d{2}-\d{2}$/.test(plan.anchor)) found.anchor = t("console.jobs.wrong_anchor");
    Object.assign(found, wrongTimes(plan));
  }
  return found;
}

function wrongTimes(plan: PlanDraft): Wrong {
  const clock = t("console.jobs.wrong_clock");
  if (plan.within === "at") return isClock(plan.time) ? {} : { time: clock };
  const found: Wrong = {};
  const most = DAY_MINUTES / plan.unit;
  if (!whole(plan.step, 1, most)) found.step = between(1, most);
  if (!isClock(plan.start)) found.start = clock;
  if (!isClock(plan.end)) found.end = plan.end === "24:00" ? t("console.jobs.wrong_midnight") : clock;
  if (!found.start && !found.end) {
    const length = clockMinutes(plan.end) - clockMinutes(plan.start);
    if (length === 0) found.end = t("console.jobs.wrong_empty");
    else if (length < 0) found.end = t("console.jobs.wrong_across");
  }
  return found;
}

/** Whether counting from a day on makes a difference, or is in use. */
export const counted = (plan: PlanDraft) => (plan.every ?? 1) > 1 || !!plan.anchor;

/** Only what was changed goes to the server. */
export function changeOf(changes: Partial<JobDraft>): JobChange {
  return {
    ...(changes.enabled !== undefined && { enabled: changes.enabled }),
    ...(changes.plan && { plan: planOf(changes.plan) }),
    ...(changes.missed && { missed: changes.missed }),
    ...(changes.maxAge != null && { maxAgeS: changes.maxAge * 60 }),
  };
}

export const readOf = (job: Job): Read<JobDraft> => ({ values: draftOf(job), version: job.version });

/** The fields in words, for two states side by side. */
export function fieldsOf(title: (job: string) => string): Shown<JobDraft>[] {
  return [
    { key: "enabled", label: t("console.jobs.active"), show: (one) => t(one.enabled ? "console.yes_word" : "console.no_word") },
    { key: "plan", label: t("console.jobs.when"), show: (one) => words(one, title) },
    { key: "missed", label: t("console.jobs.missed"), show: (one) => t(`console.word.missed.${one.missed}`) },
    { key: "maxAge", label: t("console.jobs.age"), show: (one) => (one.maxAge === null ? "" : ageWords(one.maxAge * 60)) },
  ];
}

function words(draft: JobDraft, title: (job: string) => string): string {
  if (Object.keys(wrongs({ ...draft, missed: "none" })).length) return t("console.jobs.unfinished");
  const plan = planOf(draft.plan);
  return plan.type === "once" ? t("console.plan.once", { at: moment(plan.at * 1000) }) : planWords(plan, title);
}
