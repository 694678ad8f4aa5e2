// Products, data sets and what a patient takes, as the server gives them.
import { ask, get, post } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";

export interface Substance {
  id: string;
  name: string;
  strength?: string | null;
  unit?: string | null;
}
export interface Package {
  pzn: string;
  size?: string | null;
  unit?: string | null;
}
export type How = "exact" | "prefix" | "infix" | "similar";
export interface Hit {
  id: string;
  name: string;
  form: string | null;
  holder: string | null;
  substances: Substance[];
  atc: string | null;
  packages: Package[];
  how: How;
  /** Where the words were found in the name: start and end of each. */
  marked: [number, number][];
}
export interface Found {
  results: Hit[];
  /** The index of a new edition is being made: nothing is forgiven yet. */
  preparing: boolean;
  standing: Standing | null;
}
export type State = "valid" | "grace" | "expired" | "missing" | "unconfirmed";
export interface Standing {
  element?: string;
  version: string | null;
  released: string | null;
  ageDays: number | null;
  validUntil: string | null;
  graceUntil: string | null;
  state: State;
  sample?: boolean;
}

export const m = (key: string, params: Record<string, string | number> = {}) => t(`console.medication.${key}`, params);
export const LIMIT = 20;
export const search = (text: string, signal?: AbortSignal) => post<Found>("/medication/search", { text, limit: LIMIT }, { signal });

/** `Amoxicillin 500 mg, Clavulansäure 125 mg` */
export const substanceWords = (all: Substance[]) => all.map((one) => [one.name, one.strength, one.unit].filter(Boolean).join(" ")).join(", ");

/** A name in pieces, the found ones marked. */
export function pieces(name: string, marked: [number, number][]): { text: string; marked: boolean }[] {
  const found: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [from, to] of [...marked].sort((a, b) => a[0] - b[0])) {
    if (from < at || to <= from) continue;
    if (from > at) found.push({ text: name.slice(at, from), marked: false });
    found.push({ text: name.slice(from, to), marked: true });
    at = to;
  }
  if (at < name.length) found.push({ text: name.slice(at), marked: false });
  return found;
}
export { ask, get, post };
