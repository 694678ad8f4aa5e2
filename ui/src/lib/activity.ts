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
}

export interface Area {
  area: string;
  title: string;
  events: number;
  errors: number;
}

/** Newest first; `cursor` goes on with the older ones. */
export const find = (wanted: Wanted, cursor: string | null, limit: number, background = false) =>
  post<{ events: Happening[]; next: string | null }>("/events/search", { ...wanted, ...(cursor && { cursor }), limit }, { background });

/** The areas with the number of errors in a period. */
export async function areas(from: string, to: string, background = false): Promise<Area[]> {
  const asked = new URLSearchParams();
  if (from) asked.set("from", from);
  if (to) asked.set("to", to);
  return (await get<{ areas: Area[] }>(`/events/areas?${asked}`, { background })).areas;
}
