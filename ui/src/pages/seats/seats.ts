// Seats, locks and modes as the server knows them.
import { drop, get, patch, post, put } from "../../lib/api";
import { has, t } from "../../lib/i18n.svelte";
import type { Announcement, Mode, Reason } from "../../lib/seatline";

export interface Seat {
  id: string;
  name: string;
  state: "waiting" | "approved" | "refused" | "revoked";
  program: string;
}
export interface Work {
  seat: string;
  person?: string;
  locks: number;
}
export interface Operation {
  mode: Mode;
  modeUntil?: string | null;
  interval: number;
  announcement?: Announcement | null;
  working: Work[];
}
export type Occasion = "update" | "backup" | "move" | "other";

export const s = (key: string, params: Record<string, string | number> = {}) => t(`console.seats.${key}`, params);
/** Whose changes may change what these pages show. */
export const OURS = /^(seat|lock|mode|maintenance|setting|reset)/;
export const LOOK_MS = 5_000;

export const seats = (cursor: string | null, background: boolean) =>
  get<{ seats: Seat[]; next: string | null }>(`/seats${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ""}`, { background });
export const operation = (background: boolean) => get<Operation>("/seats/state", { background });
export const approve = (id: string, code: string) => post(`/seats/${id}/approve`, { code });
export const refuse = (id: string) => post(`/seats/${id}/refuse`);
export const change = (id: string, body: { name?: string; viewer?: boolean; mayTake?: boolean }) => patch(`/seats/${id}`, body);
export const revoke = (id: string) => drop(`/seats/${id}`);
export const setFree = (record: string, reason: Reason) => post("/seats/locks/release", { record, reason });
export const setMode = (mode: Mode, hours?: number) => put("/seats/mode", { mode, ...(hours && { hours }) });
export const announce = (body: { at: string; minutes: number; reason: Occasion; begin: boolean }) => put("/seats/announcement", body);
export const callOff = () => drop("/seats/announcement");

/** `Patient`, or what this kind is called here. */
export function kindWord(record: string): string {
  const kind = record.split("/")[0] ?? "";
  return has(`console.seats.kind.${kind}`) ? s(`kind.${kind}`) : kind;
}
