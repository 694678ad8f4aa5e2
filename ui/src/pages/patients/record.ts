// A patient's record as the server gives it, and how its fields are said.
import { date, today } from "../../lib/format";
import { lang, t } from "../../lib/i18n.svelte";
import { fullName, type Address, type Contact } from "../../lib/records";

export interface Patient {
  id: string;
  version: number;
  family: string;
  given: string;
  prefix: string | null;
  birthDate: string | null;
  gender: string | null;
  deceased: string | null;
  deceasedUndated?: boolean;
  telecom: Contact[];
  address: Address[];
  language: string | null;
  identifiers: { value: string; system?: string }[];
  note: string | null;
  active: boolean;
  unconfirmed?: boolean;
  mergedInto?: string;
  portal?: string;
}
/** Two records that may be one person. */
export interface Match {
  id: string;
  reason: string;
  createdAt: string;
  patient: Patient;
  candidate: Patient;
}

export const GENDERS = ["female", "male", "other", "unknown"];
export const nameOf = (one: Pick<Patient, "family" | "given" | "prefix">) => fullName(one) || t("console.patients.nameless");
export const w = (key: string, params: Record<string, string | number> = {}) => t(`console.patients.${key}`, params);

const isNumber = (one: Contact) => one.system === "phone" || one.system === "sms";
export type Kind = "phone" | "mobile" | "email";
const IS: Record<Kind, (one: Contact) => boolean> = {
  phone: (one) => isNumber(one) && one.use !== "old" && one.use !== "mobile",
  mobile: (one) => isNumber(one) && one.use === "mobile",
  email: (one) => one.system === "email" && one.use !== "old",
};
const KINDS: Kind[] = ["phone", "mobile", "email"];

/** The number or address of a kind that is used. */
export const contact = (telecom: Contact[], kind: Kind) => telecom.find(IS[kind])?.value ?? "";

/** All numbers and addresses that are not the ones in use. */
export function otherContacts(telecom: Contact[]): Contact[] {
  const used = KINDS.map((kind) => telecom.find(IS[kind]));
  return telecom.filter((one) => !used.includes(one));
}

/** The same contacts with another number or address of a kind; an empty one takes it away. */
export function withContact(telecom: Contact[], kind: Kind, value: string): Contact[] {
  const at = telecom.findIndex(IS[kind]);
  if (!value) return telecom.filter((_one, index) => index !== at);
  if (at >= 0) return telecom.map((one, index) => (index === at ? { ...one, value } : one));
  return [...telecom, { system: kind === "email" ? "email" : "phone", value, ...(kind === "mobile" && { use: "mobile" }) }];
}

/** The address in use. */
export const addressOf = (all: Address[]) => all.find((one) => one.use !== "old") ?? null;

const named = (type: "language" | "region", code: string) => {
  try {
    return new Intl.DisplayNames([lang()], { type }).of(type === "region" ? code.toUpperCase() : code) ?? code;
  } catch {
    return code;
  }
};
export const languageWord = (code: string) => named("language", code);
export const countryWord = (code: string) => (/^[A-Za-z]{2}$/.test(code) ? named("region", code) : code);
export const genderWord = (code: string | null) => (code ? w(`word.gender.${code}`) : "");

export function addressWords(one: Address | null): string {
  if (!one) return "";
  const city = [one.postalCode, one.city].filter(Boolean).join(" ");
  return [...(one.line ?? []), city, one.country ? countryWord(one.country) : ""].filter(Boolean).join("\n");
}

/** Years lived, of a birth date that is known to the day. */
export function age(one: Patient): number | null {
  if (!one.birthDate || one.birthDate.length < 10 || one.deceasedUndated) return null;
  const until = one.deceased ?? today();
  const years = Number(until.slice(0, 4)) - Number(one.birthDate.slice(0, 4));
  return until.slice(5) < one.birthDate.slice(5) ? years - 1 : years;
}

/** A birth date as people write it: `17.05.1980`, partly `05.1980`. */
export const birthWords = (text: string | null) => (!text ? "" : text.length === 7 ? `${text.slice(5)}.${text.slice(0, 4)}` : date(text));

export function born(one: Patient): string {
  if (!one.birthDate) return "";
  const years = age(one);
  return years === null ? w("born", { date: birthWords(one.birthDate) }) : w("born_age", { date: birthWords(one.birthDate), age: years });
}

export function deathWords(one: Patient): string {
  return one.deceased ? w("is_dead_on", { date: date(one.deceased) }) : one.deceasedUndated ? w("is_dead") : "";
}

export interface Line {
  label: string;
  value: string;
}
/** All that a record says, line by line; the same lines for every record. */
export function lines(one: Patient): Line[] {
  const said = [
    ["family", one.family],
    ["given", one.given],
    ["prefix", one.prefix],
    ["birth_date", birthWords(one.birthDate)],
    ["gender", genderWord(one.gender)],
    ["phone", contact(one.telecom, "phone")],
    ["mobile", contact(one.telecom, "mobile")],
    ["email", contact(one.telecom, "email")],
    ["other_contact", otherContacts(one.telecom).map((each) => each.value).join("\n")],
    ["address", one.address.map(addressWords).join("\n\n")],
    ["language", one.language ? languageWord(one.language) : ""],
    ["numbers", one.identifiers.map((each) => each.value).join("\n")],
    ["note", one.note],
    ["state", [one.active ? "" : w("is_inactive"), deathWords(one)].filter(Boolean).join(", ")],
  ] as const;
  return said.map(([key, value]) => ({ label: w(key), value: value ?? "" }));
}
