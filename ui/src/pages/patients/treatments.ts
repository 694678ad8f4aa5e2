// A patient's treatments as the server gives them, and as a form has them.
import type { Shown } from "../../lib/editing.svelte";
import { date } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";

export interface Treatment {
  id: string;
  version: number;
  patient: string | null;
  mandator: string;
  mandatorName: string;
  opened: string;
  closed: string | null;
  note: string | null;
  status: "planned" | "active" | "finished";
}
export interface Mandator {
  id: string;
  name: string;
  default: boolean;
  active: boolean;
}
export interface TreatmentDraft {
  mandator: string;
  opened: string;
  closed: string;
  note: string;
}

export const x = (key: string, params: Record<string, string | number> = {}) => t(`console.treatments.${key}`, params);
export const TONES = { planned: "info", active: "good", finished: "plain" } as const;

export const toDraft = (one: Treatment): TreatmentDraft => ({
  mandator: one.mandator, opened: one.opened, closed: one.closed ?? "", note: one.note ?? "",
});
export const toBody = (changes: Partial<TreatmentDraft>): Record<string, unknown> => ({
  ...changes,
  ...(changes.closed !== undefined && { closed: changes.closed || null }),
  ...(changes.note !== undefined && { note: changes.note.trim() || null }),
});
export const shownFields = (mandators: Mandator[]): Shown<TreatmentDraft>[] => [
  { key: "mandator", label: x("mandator"), show: (one) => mandators.find((each) => each.id === one.mandator)?.name ?? "" },
  { key: "opened", label: x("opened"), show: (one) => (one.opened ? date(one.opened) : "") },
  { key: "closed", label: x("closed"), show: (one) => (one.closed ? date(one.closed) : "") },
  { key: "note", label: x("note"), show: (one) => one.note },
];
