// The database as the server knows it. Sizes in bytes.
import { get, post } from "../../lib/api";
import { number } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";

export type Kind = "quick" | "full" | "compact";
export interface Estimate {
  gain: number;
  gainPercent: number;
  after: number;
  extra: number;
  stallSeconds: number;
  proposed: boolean;
  reason: string;
}
export interface Work {
  kind: Kind;
  at: string;
  state: "good" | "bad" | "failed";
  code: string;
  title: string;
  detail: string;
  ms: number;
}
export interface Under {
  kind: Kind | "move";
  at: string;
  done: number;
  total: number;
  ended: boolean;
  code: string;
  title: string;
}
export interface Move {
  id: string;
  kind: string;
  phase: string;
  old: string;
  new: string;
  valid: string;
  at: string;
  ended: string | null;
  code: string;
  title: string;
  detail: string;
  cut: boolean;
  stallMs: number;
  done: number;
  total: number;
}
export interface Old {
  id: string;
  path: string;
  at: string;
  bytes: number;
  released: string | null;
  releasable: boolean;
}
export interface Database {
  engine: "sqlite" | "postgresql";
  place: string;
  size: number;
  free: number;
  log: number;
  diskFree: number | null;
  measuredAt: string | null;
  unused: number | null;
  fillPercent: number | null;
  tables: { name: string; bytes: number; rows: number | null }[];
  estimate: Estimate | null;
  works: Work[];
  under: Under | null;
  move: Move | null;
  old: Old[];
}
export interface Target {
  path: string;
  system: string;
  size: number;
  free: number;
  stallSeconds: number;
}

export const c = (key: string, params: Record<string, string | number> = {}) => t(`console.care.${key}`, params);
const MB = 1_000_000;
/** `800 kB`, `12 MB`, `3,4 GB` */
export function size(bytes: number): string {
  if (bytes < MB) return c("kb", { n: number(Math.round(bytes / 1000)) });
  if (bytes < 1000 * MB) return c("mb", { n: number(bytes >= 10 * MB ? Math.round(bytes / MB) : Math.round(bytes / (MB / 10)) / 10) });
  return c("gb", { n: number(Math.round(bytes / (100 * MB)) / 10) });
}
export const seconds = (value: number) => c("seconds", { n: number(Math.round(value * 10) / 10) });

export const read = (background: boolean) => get<Database>("/care/state", { background });
export const check = (level: "quick" | "full") => post<Database>("/care/check", { level });
export const compact = () => post<Database>("/care/compact");
export const lookAt = (to: string) => post<Target>("/care/move/look", { to });
export const move = (to: string) => post<Database>("/care/move", { to });
export const release = (id: string) => post(`/care/old/${id}/release`);
