// Packages of the logbook and standing orders, as the server knows them.
import { download, drop, get, post } from "../../lib/api";
import type { Level, Wanted } from "./logbook";

export interface Package {
  id: string;
  createdAt: string;
  createdBy: string;
  from: string;
  to: string;
  sources: string[];
  levels: Level[];
  lines: number;
  dropped: number;
  bytes: number;
  sha256: string;
  file: string;
  order: string;
  state: "draft" | "sending" | "sent" | "unsure" | "failed";
  target: string;
  sentAt: string | null;
  sentBy: string;
  code: string | null;
  title: string | null;
}
/** `marks`: [start, end) of placeholders, in characters of the text. */
export interface Line {
  number: number;
  text: string;
  marks: [number, number][];
}
export interface Shown extends Package {
  text: Line[];
  next: string | null;
}
export interface Order {
  id: string;
  createdAt: string;
  createdBy: string;
  to: string;
  levels: Level[];
  sources: string[];
  until: string;
  endedAt: string | null;
  why: string;
}
export const STATES = { draft: "plain", sending: "info", sent: "good", unsure: "warn", failed: "bad" } as const;

export const list = (cursor: string | null) => get<{ packages: Package[]; next: string | null }>(`/logbook/packages?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
export const make = (wanted: Wanted) => post<Shown>("/logbook/packages", wanted);
export const read = (id: string, cursor = "0") => get<Shown>(`/logbook/packages/${id}?cursor=${cursor}`);
export const leaveOut = (id: string, sha256: string, lines: number[]) => post<Shown>(`/logbook/packages/${id}/lines`, { sha256, drop: lines });
export const send = (id: string, sha256: string, to: string) => post<Package>(`/logbook/packages/${id}/send`, { sha256, by: "mail", to });
export const remove = (id: string) => drop(`/logbook/packages/${id}`);
export const save = (one: Package) => download("GET", `/logbook/packages/${one.id}/content`, undefined, one.file);
export const orders = async () => (await get<{ orders: Order[] }>("/logbook/orders")).orders;
export const give = (body: { until: string; to: string; levels: Level[] }) => post<Order>("/logbook/orders", body);
export const withdraw = (id: string) => drop(`/logbook/orders/${id}`);

/** The text in pieces, those that were replaced marked. Marks count characters as the server does, by code points. */
export function pieces(one: Line): { text: string; marked: boolean }[] {
  const characters = [...one.text];
  const found: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [start, end] of one.marks) {
    if (start > at) found.push({ text: characters.slice(at, start).join(""), marked: false });
    found.push({ text: characters.slice(start, end).join(""), marked: true });
    at = end;
  }
  if (at < characters.length) found.push({ text: characters.slice(at).join(""), marked: false });
  return found;
}
