// Entries of the logbook, their sources and how full it is, as the server knows them.
import { download, get, post, put } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";

export type Level = "debug" | "info" | "warning" | "error";
export const LEVELS: Level[] = ["debug", "info", "warning", "error"];
export const TONES = { debug: "plain", info: "info", warning: "warn", error: "bad" } as const;
export interface Entry {
  id: string;
  at: string;
  receivedAt: string;
  source: string;
  sourceName: string;
  seq: number;
  level: Level;
  kind: "status" | "error";
  code: string;
  fields: Record<string, unknown>;
  pseudonyms: Record<string, unknown>;
  patient: Record<string, unknown> | null;
  text: string;
}
export interface Source {
  source: string;
  name: string;
  entries: number;
  firstAt: string;
  lastAt: string;
}
export interface Figures {
  debug: number;
  info: number;
  warnings: number;
  errors: number;
  usedBytes: number;
  limitBytes: number;
  days: number;
  warningDays: number;
  oldestAt: string | null;
  lastDays: { day: string; warnings: number; errors: number }[];
  diagnoseUntil: string | null;
}
export interface Wanted {
  from?: string;
  to?: string;
  levels?: Level[];
  sources?: string[];
  words?: string;
}
interface Page {
  entries: Entry[];
  next: string | null;
  last: string;
}

export const l = (key: string, params: Record<string, string | number> = {}) => t(`console.logbook.${key}`, params);
export const LIMIT = 100;
export const search = (wanted: Wanted, more: { cursor?: string; after?: string } = {}, background = false) =>
  post<Page>("/logbook/search", { ...wanted, ...more, limit: LIMIT }, { background });
export const sources = async () => (await get<{ sources: Source[] }>("/logbook/sources")).sources;
export const figures = (background = false) => get<Figures>("/logbook/statistics", { background });
export const save = (wanted: Wanted, format: "csv" | "ndjson") => download("POST", "/logbook/export", { ...wanted, format }, `praxisd-logbook.${format}`);
export const diagnose = (hours: number) => put<{ until: string | null }>("/logbook/diagnose", { hours });

/** `route=jobs.list  status=200` */
export const said = (values: Record<string, unknown>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join("  ");
