// The activity list: what happened, in sentences.
import { get, post } from "./api";

export interface Happening {
  seq: number;
  type: string;
  area: string;
  subject: string;
  version: number;
  actor: string;
  actorName: string;
  at: string;
  fields: string[];
  alert: boolean;
  sentence: string;
  /** The run of a job that did it. */
  run: string | null;
}

export interface Wanted {
  area?: string;
  types?: string[];
  subjectType?: string;
  subjectId?: string;
  actor?: string;
  from?: string;
  to?: string;
  audit?: boolean;
  /** What one run did. */
  run?: string;
  /** Only what went wrong, or only what did not. */
  error?: boolean;
}

export interface Area {
  area: string;
  title: string;
  events: number;
  errors: number;
  /** When its entries were last hidden from the list. */
  clearedAt: string | null;
}

/** Newest first; `cursor` goes on with the older ones. */
export const find = (wanted: Wanted, cursor: string | null, limit: number, background = false) =>
  post<{ events: Happening[]; next: string | null }>("/events/search", { ...wanted, ...(cursor && { cursor }), limit }, { background });

/** Hide what the list shows now, of one area or (empty) of all; what is left of each. */
export const clear = async (area: string) => (await post<{ areas: Area[] }>("/events/clear", area ? { area } : {})).areas;

/** The areas with the number of errors in a period. */
export async function areas(from: string, to: string, background = false): Promise<Area[]> {
  const asked = new URLSearchParams();
  if (from) asked.set("from", from);
  if (to) asked.set("to", to);
  return (await get<{ areas: Area[] }>(`/events/areas?${asked}`, { background })).areas;
}
