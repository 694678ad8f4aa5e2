// Downloads and updates as the server knows them.
import { get, post, put } from "./api";
import { date, number } from "./format";
import { t } from "./i18n.svelte";

export interface Fault {
  code: string;
  title: string;
  cause: string;
  solution: string;
}
export type Kind = "software" | "plugin" | "data";
export interface Package {
  id: string;
  element: string;
  kind: Kind;
  title: string;
  version: string;
  state: "available" | "downloading" | "waiting" | "ordered" | "installed" | "replaced" | "rolled_back" | "refused" | "removed";
  installable: boolean;
  restart: boolean;
  size: number;
  released: string;
  notes: string;
  requires: string;
  source: "download" | "push";
  seenAt: string;
  downloadedAt: string | null;
  installedAt: string | null;
  by: string | null;
  fault: Fault | null;
  log: string | null;
}
export interface Element {
  element: string;
  kind: Kind;
  title: string;
  subscribed: boolean;
  installed: string | null;
  previous: string | null;
  released: string | null;
  ageDays: number | null;
  waiting: Package | null;
  available: Package[];
}
export interface Order {
  id: string;
  kind: "install" | "switch_back";
  state: "checking" | "saving" | "ordered" | "running" | "kept" | "rolled_back" | "refused";
  final: boolean;
  step: string;
  packages: Package[];
  version: string | null;
  at: string;
  endedAt: string | null;
  by: string;
  fault: Fault | null;
  log: string | null;
  saved: string | null;
  retryAfter: number;
}
export interface Updates {
  version: string;
  active: boolean;
  address: string;
  trusted: boolean;
  standingOrder: "none" | "data" | "all";
  lookedAt: string | null;
  knownAt: string | null;
  fault: Fault | null;
  guard: { present: boolean; state: string | null; version: string | null; previous: string | null };
  download: { run: string; done: number | null; total: number | null } | null;
  elements: Element[];
  order: Order | null;
  lastOrder: Order | null;
  news: Package[];
}

export const u = (key: string, params: Record<string, string | number> = {}) => t(`console.updates.${key}`, params);

export const load = (background = false) => get<Updates>("/updates", { background });
export const check = () => post<{ run: string }>("/updates/check");
export const install = (packages: string[], withoutCopy = false) => post<Order>("/updates/install", { packages, withoutCopy });
export const switchBack = (element: string) => post<Order>("/updates/switch-back", { element });
export const subscribe = (element: string, subscribed: boolean) => put<Element>(`/updates/subscriptions/${encodeURIComponent(element)}`, { subscribed });
export const seen = (packages: string[]) => post<{ news: number }>("/updates/notice", { packages });

/** The versions of an element that are newer than the one in use, the newest first. */
export const later = (one: Element): Package[] =>
  [...(one.waiting ? [one.waiting] : []), ...one.available].sort((a, b) => b.version.localeCompare(a.version, "en", { numeric: true }));
/** `1,2 MB`, `35 kB` */
export const size = (bytes: number) => (bytes < 950_000 ? `${number(Math.max(1, Math.round(bytes / 1000)))} kB` : `${number(Math.round(bytes / 100_000) / 10)} MB`);
/** `vom 27.11.2026`; empty where it is not known. */
export const released = (day: string | null) => (day ? u("released", { date: date(day) }) : "");
export const TONES = {
  available: "plain", downloading: "info", waiting: "info", ordered: "info", installed: "good", replaced: "plain", rolled_back: "bad", refused: "bad", removed: "plain",
} as const;
/** The code with which an order ends for which no copy of the database could be made. */
export const NO_COPY = "updates.no_copy";
