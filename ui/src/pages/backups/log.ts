// The log of the backup days, and who has looked at it.
import { get, put } from "../../lib/api";
import type { Figures, RunKind, RunState } from "./backups";

export type DayState = "green" | "not_green" | "no_run" | "open" | "nothing";
export interface Check {
  by: string;
  at: string;
  state: string;
  remark: string;
}
/** A run of the day, or one that was planned and did not run (`id` is empty then). */
export interface Line {
  id: string;
  kind: RunKind;
  job: string | null;
  slot: string;
  label: string;
  state: RunState | "missed" | "coming";
  last: boolean;
  due: string | null;
  began: string | null;
  ended: string | null;
  code: string;
  title: string;
  figures: Figures | null;
  namedCount: number;
}
export interface LogDay {
  day: string;
  state: DayState;
  due: boolean;
  check: Check | null;
}
/** `over`: the day has ended, so that it may be ticked. */
export interface Log extends LogDay {
  over: boolean;
  lines: Line[];
}

export const DAY_TONES = { green: "good", not_green: "warn", no_run: "bad", open: "info", nothing: "plain" } as const;
export const LINE_TONES = { waiting: "info", running: "info", good: "good", warning: "warn", failed: "bad", interrupted: "warn", missed: "bad", coming: "plain" } as const;
export const logDays = (limit: number, background = false) => get<{ days: LogDay[]; asked: string | null }>(`/backups/log?limit=${limit}`, { background });
export const logOf = (day: string) => get<Log>(`/backups/log/${day}`);
/** Note that somebody looked; `earlier` also at the days before that nobody has looked at. */
export const looked = (day: string, remark: string, earlier: boolean) => put<unknown>(`/backups/log/${day}`, { remark, earlier });
