// Diagnosis: the practice's programs, what they need, and what was measured and tried, as the server knows them.
import { get } from "../../lib/api";
import { date, moment, number } from "../../lib/format";
import { has, t } from "../../lib/i18n.svelte";

export const d = (key: string, params: Record<string, string | number> = {}) => t(`console.diagnosis.${key}`, params);
/** A word of a fixed list; the code itself where there is none (data may bring more than the console knows). */
export const word = (list: string, code: string) => (has(`console.diagnosis.${list}.${code}`) ? d(`${list}.${code}`) : code);

export type Role = "server" | "main" | "workstation" | "terminal";
export const ROLES: Role[] = ["server", "main", "workstation", "terminal"];
/** What a computer is for a program; nothing where it has no part in it. */
export const roleWords = (role: Role | null) => d(`role.${role ?? "none"}`);

/** Where the rows of a product come from, and how old that is. */
export interface Source {
  title: string;
  version: string;
  stand: string;
  url: string;
}
export interface ProductEntry {
  id: string;
  name: string;
  vendor: string;
  origin: "built_in" | "update" | "own";
  source: Source;
  ageDays: number | null;
  serviceprovider: boolean;
  used: boolean;
}
/** What is wrong in a product file that was left out. */
export interface FileFault {
  file: string;
  line: number;
  column: number;
  text: string;
}
export interface Products {
  products: ProductEntry[];
  faults: FileFault[];
}
export interface Change {
  date: string;
  text: string;
}
export interface Question {
  about: string;
  text: string;
}
export interface Software {
  id: string;
  product: string;
  /** Null: no product of that id is known (any more). */
  productName: string | null;
  name: string;
  role: Role | null;
  dataFolder: string;
  programFolder: string;
  host: string;
  /** 0: not known. */
  devices: number;
  customerNumber: string;
  note: string;
}

/** What a person calls it. */
export const nameOf = (one: Software) => one.name || (one.productName ?? one.product);

export const softwareList = async (background = false) => (await get<{ software: Software[] }>("/software", { background })).software;
export const productList = (background = false) => get<Products>("/products", { background });

/** `Stand 04.08.2023, vor 3 Jahren` */
export function standWords(stand: string, ageDays: number | null): string {
  if (!stand) return d("stand_unknown");
  const age = ageDays === null ? "" : ageWords(ageDays);
  return age ? d("stand_age", { stand: date(stand), age }) : d("stand", { stand: date(stand) });
}
function ageWords(days: number): string {
  if (days < 1) return d("age_today");
  const [unit, n] = days < 60 ? (["days", days] as const) : days < 730 ? (["months", Math.round(days / 30.4)] as const) : (["years", Math.floor(days / 365.25)] as const);
  return n === 1 ? d("age_day") : d(`age_${unit}`, { n: number(n) });
}
/** `gemessen am 27.11.2026, 18:40` */
export const measuredWords = (at: string | null) => (at ? d("measured_at", { at: moment(at) }) : d("measured_now"));
