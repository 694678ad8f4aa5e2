// A patient's record in a form: what is read becomes fields, what was changed becomes the body of a request.
import { typedDay } from "../../lib/typed";
import type { Shown } from "../../lib/editing.svelte";
import { date } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import type { Address, Contact } from "../../lib/records";
import { addressOf, birthWords, contact, countryWord, genderWord, languageWord, w, withContact, type Kind, type Patient } from "./record";

export interface PatientDraft {
  family: string;
  given: string;
  prefix: string;
  birthDate: string;
  gender: string;
  phone: string;
  mobile: string;
  email: string;
  street: string;
  postalCode: string;
  city: string;
  country: string;
  language: string;
  note: string;
  deceased: string;
  deceasedUndated: boolean;
  active: boolean;
  /** As they were read: what the fields above do not show stays in them. */
  telecom: Contact[];
  address: Address[];
}
export type Errors = Partial<Record<keyof PatientDraft, string>>;

const CONTACTS: Kind[] = ["phone", "mobile", "email"];
const ADDRESS = ["street", "postalCode", "city", "country"] as const;
const TEXTS = ["family", "given", "prefix", "birthDate", "gender", "language", "note", "deceased"] as const;
/** An empty text of these stays a text. */
const NAMES = new Set<string>(["family", "given"]);

export const blank = (): PatientDraft => ({
  family: "", given: "", prefix: "", birthDate: "", gender: "", phone: "", mobile: "", email: "", street: "", postalCode: "", city: "",
  country: "", language: "", note: "", deceased: "", deceasedUndated: false, active: true, telecom: [], address: [],
});

export function toDraft(one: Patient): PatientDraft {
  const address = addressOf(one.address);
  return {
    family: one.family,
    given: one.given,
    prefix: one.prefix ?? "",
    birthDate: one.birthDate ?? "",
    gender: one.gender ?? "",
    phone: contact(one.telecom, "phone"),
    mobile: contact(one.telecom, "mobile"),
    email: contact(one.telecom, "email"),
    street: (address?.line ?? []).join("\n"),
    postalCode: address?.postalCode ?? "",
    city: address?.city ?? "",
    country: address?.country ?? "",
    language: one.language ?? "",
    note: one.note ?? "",
    deceased: one.deceased ?? "",
    deceasedUndated: !!one.deceasedUndated,
    active: one.active,
    telecom: one.telecom,
    address: one.address,
  };
}

function telecomOf(now: PatientDraft): Contact[] {
  return CONTACTS.reduce((all, kind) => withContact(all, kind, now[kind].trim()), now.telecom);
}

function addressesOf(now: PatientDraft): Address[] {
  const before = addressOf(now.address);
  const line = now.street.split("\n").map((one) => one.trim()).filter(Boolean);
  const [postalCode, city, country] = [now.postalCode.trim(), now.city.trim(), now.country.trim()];
  const empty = !line.length && !postalCode && !city && !country;
  const { line: _line, postalCode: _code, city: _city, country: _country, ...rest } = before ?? {};
  const after: Address = { ...rest, ...(line.length && { line }), ...(postalCode && { postalCode }), ...(city && { city }), ...(country && { country }) };
  if (!before) return empty ? now.address : [...now.address, after];
  return empty ? now.address.filter((one) => one !== before) : now.address.map((one) => (one === before ? after : one));
}

/** The body that changes these fields. */
export function changedBody(now: PatientDraft, changes: Partial<PatientDraft>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const key of TEXTS) if (key in changes) body[key] = now[key].trim() || (NAMES.has(key) ? "" : null);
  for (const key of ["deceasedUndated", "active"] as const) if (key in changes) body[key] = now[key];
  if (CONTACTS.some((key) => key in changes)) body.telecom = telecomOf(now);
  if (ADDRESS.some((key) => key in changes)) body.address = addressesOf(now);
  return body;
}

/** The body of a new patient. */
export function newBody(now: PatientDraft): Record<string, unknown> {
  const texts = TEXTS.filter((key) => key !== "deceased" && now[key].trim()).map((key) => [key, now[key].trim()]);
  return { ...Object.fromEntries(texts), telecom: telecomOf(now), address: addressesOf(now) };
}

export function errorsOf(now: PatientDraft): Errors {
  const errors: Errors = {};
  if (!now.family.trim()) errors.family = w("family_missing");
  if (now.birthDate && typedDay(now.birthDate) !== now.birthDate) errors.birthDate = w("no_date");
  if (now.deceased && (typedDay(now.deceased) !== now.deceased || now.deceased.length < 10)) errors.deceased = w("no_date");
  return errors;
}

const yes = (on: boolean) => t(on ? "console.yes_word" : "console.no_word");

/** The fields with their labels, to show two states side by side. */
export function shownFields(): Shown<PatientDraft>[] {
  const plain = (key: keyof PatientDraft, label: string) => ({ key, label: w(label), show: (one: PatientDraft) => String(one[key]) });
  return [
    plain("family", "family"),
    plain("given", "given"),
    plain("prefix", "prefix"),
    { key: "birthDate", label: w("birth_date"), show: (one) => birthWords(one.birthDate) },
    { key: "gender", label: w("gender"), show: (one) => genderWord(one.gender) },
    plain("phone", "phone"),
    plain("mobile", "mobile"),
    plain("email", "email"),
    plain("street", "street"),
    plain("postalCode", "postal_code"),
    plain("city", "city"),
    { key: "country", label: w("country"), show: (one) => countryWord(one.country) },
    { key: "language", label: w("language"), show: (one) => (one.language ? languageWord(one.language) : "") },
    plain("note", "note"),
    { key: "deceased", label: w("deceased"), show: (one) => date(one.deceased) },
    { key: "deceasedUndated", label: w("undated"), show: (one) => yes(one.deceasedUndated) },
    { key: "active", label: w("active"), show: (one) => yes(one.active) },
  ];
}

/** What was typed for a new patient and is not in the record that exists already. */
export function untaken(told: PatientDraft, known: PatientDraft): Partial<PatientDraft> {
  const keys = shownFields().map((one) => one.key).filter((key) => typeof told[key] === "string" && told[key] && told[key] !== known[key]);
  return Object.fromEntries(keys.map((key) => [key, told[key]])) as Partial<PatientDraft>;
}
