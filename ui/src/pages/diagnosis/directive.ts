// The checklist of the security directive (§ 390 SGB V), as the server knows it.
import { ask } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";

export type Size = "small" | "medium" | "large";
export const SIZES: Size[] = ["small", "medium", "large"];
export type State = "good" | "bad" | "done" | "due" | "open" | "not_applicable";
export interface Item {
  id: string;
  annex: string;
  number: string;
  title: string;
  todo: string;
  kind: "measured" | "reminder";
  state: State;
  measured: string | null;
  person: string;
  note: string;
  at: string | null;
  due: string | null;
  proposedDue: string;
  isNew: boolean;
  source: string;
}
export interface Directive {
  size: Size | null;
  largeDevices: boolean;
  title: string;
  stand: string;
  url: string;
  annexes: { id: string; title: string }[];
  items: Item[];
  counts: Record<State, number>;
}

export const w = (key: string, params: Record<string, string | number> = {}) => t(`console.diagnosis.directive.${key}`, params);
export const TONES = { good: "good", done: "good", bad: "bad", due: "warn", open: "info", not_applicable: "plain" } as const;
/** Somebody has something to do about it. */
export const waits = (one: Item) => one.state === "bad" || one.state === "due" || one.state === "open";

export const keepSize = async (size: Size, largeDevices: boolean) => (await ask<Directive>("PUT", "/directive/size", { size, largeDevices })).data;
export const keepItem = async (id: string, said: { state: "done" | "not_applicable" | "open"; person?: string; note?: string; due?: string | null }) =>
  (await ask<Directive>("PUT", `/directive/${encodeURIComponent(id)}`, said)).data;
