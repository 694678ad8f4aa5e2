// Who would be written to, who not, and why: the server's preview.
import { t } from "../../lib/i18n.svelte";

export type Kind = "reminder" | "birthday";
export interface Reason {
  code: string;
  title: string;
  solution: string;
  count: number;
}
export interface Candidate {
  appointment: string | null;
  patient: string;
  patientName: string;
  start: string | null;
  birthDate: string | null;
  channel: string;
  address: string;
  language: string;
  mandatorName: string;
  subject: string;
  text: string;
  parts: number;
  cost: number;
  sendAt: string;
  renews: boolean;
}
export interface Refusal {
  appointment: string | null;
  patient: string | null;
  patientName: string | null;
  start: string | null;
  birthDate: string | null;
  code: string;
  title: string;
  cause: string;
  solution: string;
  letter: boolean;
}
export interface Preview {
  kind: Kind;
  day: string;
  first: string;
  last: string;
  switchedOn: boolean;
  sendAt: string;
  channels: { channel: string; active: boolean; cost: number; templates: string[] }[];
  counts: { looked: number; will: number; letters: number; not: number; parts: number; credits: number; reasons: Reason[] };
  candidates: Candidate[];
  refusals: Refusal[];
  next: string | null;
}

export const w = (key: string, params: Record<string, string | number> = {}) => t(`console.reminding.${key}`, params);
