// The practice, its people, places and mandators while they are edited.
import type { Shown } from "../../lib/editing.svelte";
import { date } from "../../lib/format";
import { has, t } from "../../lib/i18n.svelte";
import type { Address, Contact, Location, Practitioner } from "../../lib/records";
import { addressOf, contact, languageWord, withContact } from "../patients/record";

export interface Organization {
  id: string;
  version: number;
  name: string;
  zone: string;
  region: string;
  language: string;
  telecom: Contact[];
  address: Address[];
}
export interface Mandator {
  id: string;
  version: number;
  name: string;
  licenceNumber: string | null;
  licenceFrom: string | null;
  licenceTo: string | null;
  default: boolean;
  active: boolean;
}

export const w = (key: string, params: Record<string, string | number> = {}) => t(`console.practice.${key}`, params);
const yes = (on: boolean) => t(on ? "console.yes_word" : "console.no_word");
const released = () => t("console.released.switch");
export const regionWord = (region: string) => (has(`console.region.${region}`) ? t(`console.region.${region}`) : region);

/** Numbers and addresses a form does not show stay as they are. */
interface Reachable {
  phone: string;
  email: string;
  telecom: Contact[];
}
const reach = (telecom: Contact[]): Reachable => ({ phone: contact(telecom, "phone"), email: contact(telecom, "email"), telecom });

function reachBody(one: Partial<Reachable>, kept: Contact[]): { telecom?: Contact[] } {
  let telecom = kept;
  if (one.phone !== undefined) telecom = withContact(telecom, "phone", one.phone.trim());
  if (one.email !== undefined) telecom = withContact(telecom, "email", one.email.trim());
  return one.phone === undefined && one.email === undefined ? {} : { telecom };
}

export interface PracticeDraft extends Reachable {
  name: string;
  region: string;
  zone: string;
  language: string;
  street: string;
  postalCode: string;
  city: string;
  address: Address[];
}
export const toPractice = (one: Organization): PracticeDraft => {
  const place = addressOf(one.address);
  return {
    name: one.name, region: one.region, zone: one.zone, language: one.language, ...reach(one.telecom),
    street: (place?.line ?? []).join("\n"), postalCode: place?.postalCode ?? "", city: place?.city ?? "", address: one.address,
  };
};

/** The changed fields as the server takes them; the address as a whole where a part of it was changed. */
export function practiceBody(now: PracticeDraft, changes: Partial<PracticeDraft>): Record<string, unknown> {
  const { name, region, zone, language } = changes;
  const body: Record<string, unknown> = { ...reachBody(changes, now.telecom) };
  for (const [key, value] of Object.entries({ name: name?.trim(), region, zone, language })) if (value !== undefined) body[key] = value;
  if (["street", "postalCode", "city"].some((key) => key in changes)) {
    const place = addressOf(now.address);
    const next: Address = {
      ...place,
      line: now.street.split("\n").map((one) => one.trim()).filter(Boolean),
      postalCode: now.postalCode.trim() || undefined,
      city: now.city.trim() || undefined,
      country: place?.country ?? now.region.slice(0, 2),
    };
    const some = next.line?.length || next.postalCode || next.city;
    const others = now.address.filter((one) => one !== place);
    body.address = some ? [next, ...others] : others;
  }
  return body;
}

export const practiceFields = (): Shown<PracticeDraft>[] => [
  { key: "name", label: w("name"), show: (one) => one.name },
  { key: "region", label: w("region"), show: (one) => regionWord(one.region) },
  { key: "zone", label: w("zone"), show: (one) => one.zone },
  { key: "language", label: w("language"), show: (one) => languageWord(one.language) },
  { key: "phone", label: w("phone"), show: (one) => one.phone },
  { key: "email", label: w("email"), show: (one) => one.email },
  { key: "street", label: w("street"), show: (one) => one.street },
  { key: "postalCode", label: w("postal_code"), show: (one) => one.postalCode },
  { key: "city", label: w("city"), show: (one) => one.city },
];

export interface PractitionerDraft extends Reachable {
  prefix: string;
  given: string;
  family: string;
  active: boolean;
  released: boolean;
}
export const blankPractitioner = (): PractitionerDraft => ({ prefix: "", given: "", family: "", ...reach([]), active: true, released: false });
export const toPractitioner = (one: Practitioner): PractitionerDraft => ({
  prefix: one.prefix ?? "", given: one.given, family: one.family, ...reach(one.telecom), active: one.active, released: one.released,
});
export function practitionerBody(now: PractitionerDraft, changes: Partial<PractitionerDraft>): Record<string, unknown> {
  const { phone: _phone, email: _email, telecom: _telecom, ...body } = changes;
  return {
    ...body,
    ...reachBody(changes, now.telecom),
    ...(changes.prefix !== undefined && { prefix: changes.prefix.trim() || null }),
    ...(changes.given !== undefined && { given: changes.given.trim() }),
    ...(changes.family !== undefined && { family: changes.family.trim() }),
  };
}
export const practitionerFields = (): Shown<PractitionerDraft>[] => [
  { key: "prefix", label: w("prefix"), show: (one) => one.prefix },
  { key: "given", label: w("given"), show: (one) => one.given },
  { key: "family", label: w("family"), show: (one) => one.family },
  { key: "phone", label: w("phone"), show: (one) => one.phone },
  { key: "email", label: w("email"), show: (one) => one.email },
  { key: "active", label: w("active"), show: (one) => yes(one.active) },
  { key: "released", label: released(), show: (one) => yes(one.released) },
];

export const LOCATION_KINDS = ["chair", "room", "site"] as const;
export interface LocationDraft {
  name: string;
  kind: string;
  partOf: string;
  active: boolean;
  released: boolean;
}
export const blankLocation = (): LocationDraft => ({ name: "", kind: "chair", partOf: "", active: true, released: false });
export const toLocation = (one: Location): LocationDraft => ({
  name: one.name, kind: one.kind ?? "", partOf: one.partOf ?? "", active: one.active, released: one.released,
});
export const locationBody = (changes: Partial<LocationDraft>): Record<string, unknown> => ({
  ...changes,
  ...(changes.name !== undefined && { name: changes.name.trim() }),
  ...(changes.kind !== undefined && { kind: changes.kind || null }),
  ...(changes.partOf !== undefined && { partOf: changes.partOf || null }),
});
export const locationFields = (name: (id: string) => string): Shown<LocationDraft>[] => [
  { key: "name", label: w("name"), show: (one) => one.name },
  { key: "kind", label: w("kind"), show: (one) => (one.kind ? t(`console.word.location_kind.${one.kind}`) : "") },
  { key: "partOf", label: w("part_of"), show: (one) => (one.partOf ? name(one.partOf) : "") },
  { key: "active", label: w("active"), show: (one) => yes(one.active) },
  { key: "released", label: released(), show: (one) => yes(one.released) },
];

export interface MandatorDraft {
  name: string;
  licenceNumber: string;
  licenceFrom: string;
  licenceTo: string;
  default: boolean;
  active: boolean;
}
export const blankMandator = (): MandatorDraft => ({ name: "", licenceNumber: "", licenceFrom: "", licenceTo: "", default: false, active: true });
export const toMandator = (one: Mandator): MandatorDraft => ({
  name: one.name, licenceNumber: one.licenceNumber ?? "", licenceFrom: one.licenceFrom ?? "", licenceTo: one.licenceTo ?? "",
  default: one.default, active: one.active,
});
export const mandatorBody = (changes: Partial<MandatorDraft>): Record<string, unknown> => ({
  ...changes,
  ...(changes.name !== undefined && { name: changes.name.trim() }),
  ...(changes.licenceNumber !== undefined && { licenceNumber: changes.licenceNumber.trim() || null }),
  ...(changes.licenceFrom !== undefined && { licenceFrom: changes.licenceFrom || null }),
  ...(changes.licenceTo !== undefined && { licenceTo: changes.licenceTo || null }),
});
export const mandatorFields = (): Shown<MandatorDraft>[] => [
  { key: "name", label: w("name"), show: (one) => one.name },
  { key: "licenceNumber", label: w("licence_number"), show: (one) => one.licenceNumber },
  { key: "licenceFrom", label: w("licence_from"), show: (one) => (one.licenceFrom ? date(one.licenceFrom) : "") },
  { key: "licenceTo", label: w("licence_to"), show: (one) => (one.licenceTo ? date(one.licenceTo) : "") },
  { key: "default", label: w("default"), show: (one) => yes(one.default) },
  { key: "active", label: w("active"), show: (one) => yes(one.active) },
];
