// Typed settings of the services, with bounds and where each value comes from.
import { get, put } from "./api";
import { number } from "./format";
import { has, t } from "./i18n.svelte";

export type Value = boolean | number | string;
export interface Setting {
  key: string;
  value: Value;
  source: "stored" | "file" | "default";
  version: number;
  default: Value;
  kind: "bool" | "int" | "str" | "choice";
  choices: string[];
  low: number | null;
  high: number | null;
  unit: string | null;
  scope: "installation" | "organization" | "seat" | "user";
  label: string;
  help: string;
}

export const load = async (background = false) => (await get<{ settings: Setting[] }>("/settings", { background })).settings;

/** Store a value, or with null give the setting back to the file or its default. */
export const store = (key: string, value: Value | null, version: number) => put<Setting>(`/settings/${key}`, { value }, { version });

export const serviceOf = (one: Setting) => one.key.split(".")[0] ?? "";

/** What people call a service. */
export function serviceTitle(service: string): string {
  return has(`console.service.${service}`) ? t(`console.service.${service}`) : service;
}

/** What people call a choice: `console.word.<name of the setting>.<choice>`. */
export function choiceWord(one: Setting, choice: string): string {
  const key = `console.word.${one.key.slice(one.key.indexOf(".") + 1)}.${choice}`;
  return has(key) ? t(key) : choice;
}

export const unitWord = (one: Setting) => (one.unit ? (has(`console.unit.${one.unit}`) ? t(`console.unit.${one.unit}`) : one.unit) : "");

/** A value as people read it. */
export function valueWords(one: Setting, value: Value): string {
  if (typeof value === "boolean") return t(value ? "console.settings.on" : "console.settings.off");
  if (one.kind === "choice") return choiceWord(one, String(value));
  if (typeof value === "number") return [number(value), unitWord(one)].filter(Boolean).join(" ");
  return value;
}

/** The bounds in words; empty where there are none worth telling. */
export function boundsWords(one: Setting): string {
  if (one.kind !== "int" || one.low === null || one.high === null) return "";
  return t("console.settings.bounds", { low: number(one.low), high: valueWords(one, one.high) });
}

/** Why a value that was typed cannot be; empty if it can. */
export function faultOf(one: Setting, value: Value | null): string {
  if (one.kind === "int") {
    const good = typeof value === "number" && Number.isInteger(value) && value >= (one.low ?? -Infinity) && value <= (one.high ?? Infinity);
    return good ? "" : t("console.settings.must", { bounds: boundsWords(one) || t("console.settings.whole") });
  }
  if (one.kind === "str") {
    const size = [...String(value ?? "")].length;
    if (size < (one.low ?? 0)) return size === 0 ? t("console.settings.empty") : t("console.settings.short", { n: one.low ?? 0 });
    if (one.high !== null && size > one.high) return t("console.settings.long", { n: one.high });
  }
  return "";
}
