// What a patient takes and which risks are known, as the server gives it and as a form has it.
import { drop, post } from "../../lib/api";
import type { Shown } from "../../lib/editing.svelte";
import { t } from "../../lib/i18n.svelte";
import { writtenDay } from "../../lib/typed";
import { m, type Substance } from "./medication";

export type Status = "active" | "completed" | "entered-in-error" | "intended" | "stopped" | "on-hold" | "unknown" | "not-taken";
export const STATUSES: Status[] = ["active", "intended", "on-hold", "stopped", "completed", "not-taken", "unknown"];
/** Taken now, or about to be. */
export const CURRENT = new Set<Status>(["active", "intended", "on-hold", "unknown"]);
export const STATUS_TONES: Partial<Record<Status, "good" | "info" | "warn">> = { active: "good", intended: "info", "on-hold": "warn", unknown: "warn" };
export interface Statement {
  id: string;
  version: number;
  patient: string;
  product: string | null;
  /** Its product is known, so that it can be checked; false: free text. */
  known: boolean;
  pzn: string | null;
  text: string;
  substances: Substance[];
  atc: string | null;
  status: Status;
  dosage: string | null;
  since: string | null;
  until: string | null;
  asNeeded: boolean;
  source: string;
  note: string | null;
  recordedAt: string;
  recordedBy: string | null;
}
export type RiskKind = "allergy" | "condition" | "state";
export const RISK_KINDS: RiskKind[] = ["allergy", "condition", "state"];
export interface Risk {
  id: string;
  version: number;
  patient: string;
  condition: string | null;
  /** It is a condition of the data set, so that medicines can be held against it. */
  known: boolean;
  kind: RiskKind;
  text: string;
  since: string | null;
  note: string | null;
  active: boolean;
}
export interface Draft {
  /** What stands in the search and was not chosen yet: kept like everything typed, never sent. */
  words: string;
  /** Empty: free text. */
  product: string;
  text: string;
  dosage: string;
  since: string;
  until: string;
  asNeeded: boolean;
  status: Status;
  note: string;
}
export interface RiskDraft {
  condition: string;
  kind: RiskKind;
  text: string;
  since: string;
  note: string;
  active: boolean;
}

const plain = (text: string | null | undefined) => text ?? "";
export const blank = (): Draft => ({ words: "", product: "", text: "", dosage: "", since: "", until: "", asNeeded: false, status: "active", note: "" });
export const toDraft = (one: Statement): Draft => ({
  words: "", product: plain(one.product), text: one.text, dosage: plain(one.dosage), since: plain(one.since), until: plain(one.until), asNeeded: one.asNeeded, status: one.status, note: plain(one.note),
});
export const blankRisk = (): RiskDraft => ({ condition: "", kind: "allergy", text: "", since: "", note: "", active: true });
export const toRiskDraft = (one: Risk): RiskDraft => ({ condition: plain(one.condition), kind: one.kind, text: one.text, since: plain(one.since), note: plain(one.note), active: one.active });

/** Empty texts are null, so that the server forgets them. */
export function toBody(changes: Partial<Draft & RiskDraft>): Record<string, unknown> {
  const nullable = ["product", "condition", "dosage", "since", "until", "note"];
  return Object.fromEntries(Object.entries(changes).filter(([key]) => key !== "words").map(([key, value]) => [key, typeof value === "string" ? value.trim() || (nullable.includes(key) ? null : "") : value]));
}

export const statusWord = (status: string) => m(`status.${status}`);
const yes = (on: boolean) => t(on ? "console.yes_word" : "console.no_word");
export const shownFields = (): Shown<Draft>[] => [
  { key: "text", label: m("statement.product"), show: (one) => one.text },
  { key: "dosage", label: m("statement.dosage"), show: (one) => one.dosage },
  { key: "since", label: m("statement.since"), show: (one) => writtenDay(one.since) },
  { key: "until", label: m("statement.until"), show: (one) => writtenDay(one.until) },
  { key: "asNeeded", label: m("statement.as_needed"), show: (one) => yes(one.asNeeded) },
  { key: "status", label: m("statement.status"), show: (one) => statusWord(one.status) },
  { key: "note", label: m("statement.note"), show: (one) => one.note },
];
export const shownRiskFields = (): Shown<RiskDraft>[] => [
  { key: "kind", label: m("risk.kind_label"), show: (one) => m(`risk.kind.${one.kind}`) },
  { key: "text", label: m("risk.text"), show: (one) => one.text },
  { key: "since", label: m("risk.since"), show: (one) => writtenDay(one.since) },
  { key: "active", label: m("risk.active"), show: (one) => yes(one.active) },
  { key: "note", label: m("risk.note"), show: (one) => one.note },
];

/** All of a patient, also what is over. */
export const statements = async (patient: string, background = false) =>
  (await post<{ statements: Statement[] }>("/medication/statements/search", { patient, ended: true }, { background })).statements;
export const risks = async (patient: string, background = false) => (await post<{ risks: Risk[] }>("/medication/risks/search", { patient, ended: true }, { background })).risks;
export const removeStatement = (one: Statement) => drop(`/medication/statements/${one.id}`, { version: one.version });
export const removeRisk = (one: Risk) => drop(`/medication/risks/${one.id}`, { version: one.version });

export interface Side {
  kind: "statement" | "product" | "substance" | "risk" | "condition";
  id: string;
  name: string;
  /** Through what it is concerned: one of its substances, a class, the beginning of its ATC code. */
  via: { kind: string; id: string; name: string } | null;
}
export type Severity = "contraindicated" | "serious" | "moderate" | "minor";
export interface Finding {
  kind: "interaction" | "contraindication" | "duplicate" | "dental";
  severity: Severity;
  severityName: string;
  a: Side;
  b: Side | null;
  /** Further lines of the same duplicate. */
  more: Side[];
  mechanism: string | null;
  effect: string;
  action: string | null;
  evidence: string | null;
  source: string | null;
  sourceUrl: string | null;
  sourceDate: string | null;
}
export interface Checked {
  findings: Finding[];
  unknown: { kind: string; id: string; text: string; code: string; why: string }[];
  covered: { drugs: number; substances: number; pairs: number; conditions: number; leftOut: number };
  notCoveredTexts: string[];
  summary: string;
  warning: string | null;
  set: { version: string; released: string; sample: boolean; state: string; source: string };
}
export const SEVERITY_TONES = { contraindicated: "bad", serious: "bad", moderate: "warn", minor: "info" } as const;
export const check = (patient: string, background = false) => post<Checked>("/medication/check", { patient }, { background });
