// The data sets: which are in use, how old, where from, confirmed by whom; and the notices that come with them.
import { get, post } from "../../lib/api";
import type { State } from "./medication";

export interface Standing {
  element: string;
  title: string;
  version: string | null;
  released: string | null;
  ageDays: number | null;
  validUntil: string | null;
  graceUntil: string | null;
  state: State;
  sample: boolean;
  source: string;
  sourceUrl: string;
  licence: string;
  confirmed: boolean;
  previous: string | null;
  /** Why the version in use cannot be read; `version` is the one read in its place. */
  fault: string | null;
}
/** A set and how it stands. */
export interface Set extends Standing {
  counts: Record<string, number>;
  confirmedBy: string | null;
  confirmedAt: string | null;
}
export interface Notice {
  id: string;
  validFrom: string;
  validUntil: string | null;
  level: "info" | "warning" | "alert";
  title: string;
  body: string;
  product: string | null;
  url: string | null;
  source: string;
  seen: boolean;
}

export const STATE_TONES = { valid: "good", grace: "warn", expired: "bad", missing: "plain", unconfirmed: "warn" } as const;
type Told = Pick<Set, "counts" | "confirmedBy" | "confirmedAt"> & { standing: Standing };
export const sets = async (background = false): Promise<Set[]> =>
  (await get<{ sets: Told[] }>("/medication/sets", { background })).sets.map(({ standing, ...more }) => ({ ...more, ...standing }));
export const confirmSet = (one: Set) => post(`/medication/sets/${one.element}/confirm`, { version: one.version, understood: true });
export const notices = (background = false) => get<{ notices: Notice[]; unread: number }>("/medication/notices", { background });
export const see = (all: Notice[]) => post<{ unread: number }>("/medication/notices/seen", { notices: all.map((one) => one.id) });
