// Patients on a laptop: files that went out, what came back, and what two people changed differently.
import { ask, get, post } from "../../lib/api";

export interface Loan {
  id: string;
  label: string;
  state: "out" | "back" | "revoked" | "over";
  person: string;
  outAt: string;
  until: string;
  patients: number;
  /** How often it has come back. */
  number: number;
  backAt: string | null;
  conflicts: number;
}
/** What became of a file that came back. */
export interface Came {
  loan: string;
  label: string;
  last: boolean;
  again: boolean;
  records: number;
  changed: number;
  added: number;
  removed: number;
  unchanged: number;
  fields: number;
  proposed: number;
  conflicts: number;
  refused: number;
}
/** A side that is absent: nothing stands there. */
export interface Conflict {
  id: string;
  loan: string;
  label: string;
  kind: string;
  record: string;
  patient: string;
  patientName: string | null;
  path: string;
  field: string;
  why: string;
  reason: string;
  foundAt: string;
  base?: unknown;
  ours?: unknown;
  theirs?: unknown;
}
export const TONES = { out: "info", back: "good", revoked: "bad", over: "plain" } as const;
export const loans = async (background = false) => (await get<{ loans: Loan[] }>("/exchange/loans", { background })).loans;
export const loansOf = async (patient: string, background = false) => (await get<{ loans: Loan[] }>(`/exchange/loans?patient=${encodeURIComponent(patient)}`, { background })).loans;
export const proposal = async () => (await post<{ passphrase: string }>("/exchange/loans/passphrase")).passphrase;
export const revoke = (id: string) => post(`/exchange/loans/${id}/revoke`);
export const bringBack = async (file: File, passphrase: string) =>
  (await ask<Came>("POST", "/exchange/loans/back", file, passphrase ? { headers: { "X-Praxisd-Passphrase": encodeURIComponent(passphrase) } } : {})).data;
export const conflicts = async (background = false) => (await get<{ conflicts: Conflict[] }>("/exchange/conflicts", { background })).conflicts;
export const decide = (id: string, choice: "ours" | "theirs" | "own", value?: unknown) => post(`/exchange/conflicts/${id}`, { choice, ...(choice === "own" && { value }) });
