// Conflicts as the server gives them: a booking from outside, what stands in its way here, and how it can be settled.
import { ask, get, post, type Asked } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";
import { columnNames, kindName } from "../../lib/names.svelte";

export interface Side {
  type: "Appointment" | "Reservation" | "Absence" | "Blocker" | "Slot" | "Hold" | "Offer";
  id: string;
  version: number | null;
  status: string | null;
  start: string;
  end: string;
  schedules: string[];
  service: string | null;
  patient: { id: string; name: string | null } | null;
  title: string | null;
}
export interface Conflict {
  id: string;
  version: number;
  code: string;
  foundAt: string;
  settledAt: string | null;
  how: string | null;
  portal: string | null;
  portalName: string | null;
  schedule: string;
  start: string;
  end: string;
  online: Side | null;
  local: Side[];
  title: string;
  cause: string;
  solution: string;
  ways: Way[];
}
export type Way = "keep_local" | "move_online" | "other_column" | "move_local" | "seen";
export interface Settling {
  how: Way;
  start?: string;
  schedules?: string[];
  minutes?: number;
}
export const FOLLOWED = ["Conflict", "Appointment", "Reservation", "Absence", "BookingRequest"];
/** These ask for a time or a column first. */
export const ASKS: ReadonlySet<Way> = new Set(["move_online", "other_column", "move_local"]);

export const c = (key: string, params: Record<string, string | number> = {}) => t(`console.conflicts.${key}`, params);
export const open = (cursor: string | null = null, asked: Asked = {}) =>
  post<{ conflicts: Conflict[]; next: string | null }>("/conflicts/search", { state: "open", limit: 50, ...(cursor && { cursor }) }, asked);
export const read = (id: string) => get<Conflict>(`/conflicts/${id}`);
export const settle = async (one: Conflict, how: Settling) => (await ask<Conflict>("POST", `/conflicts/${one.id}/settle`, how, { version: one.version })).data;

/** Who or what a side is, in a few words. */
export function sideName(one: Side): string {
  if (one.patient) return one.patient.name ?? c("hidden");
  return one.title || c(`type.${one.type}`);
}
export const sideRest = (one: Side) => [kindName(one.service), columnNames(one.schedules)].filter(Boolean).join(" · ");
