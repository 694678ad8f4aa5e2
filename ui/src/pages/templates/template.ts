// Text templates as the server gives them, and the words around them.
import { number } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";

export const KINDS = ["reminder", "birthday", "confirmation", "refusal", "proposal", "offer"] as const;
/** Where the practice has written no text of its own, the one that ships is sent. */
export const SHIPPED: readonly string[] = KINDS.slice(2);
export const CHANNELS = ["sms", "email"] as const;
export const LANGUAGES = ["de", "en", "fr", "it"] as const;
export type Kind = (typeof KINDS)[number];
export type Channel = (typeof CHANNELS)[number];
export type Language = (typeof LANGUAGES)[number];

export interface Warning {
  code: string;
  title: string;
  cause: string;
  solution: string;
}
export interface Template {
  id: string;
  version: number;
  kind: Kind;
  channel: Channel;
  language: Language;
  subject: string;
  text: string;
  parts: number | null;
  encoding: string | null;
  warnings: Warning[];
}
export interface Placeholder {
  name: string;
  label: string;
  help: string;
  kinds: Kind[];
  sample: string;
}
export interface Measure {
  encoding: string;
  units: number;
  parts: number;
  left: number;
  foreign: string[];
}
export interface Preview {
  subject: string;
  text: string;
  example: boolean;
  measure: Measure | null;
  cost: number | null;
  unitCost: number | null;
  warnings: Warning[];
  suggestion: string | null;
}
export interface Draft {
  subject: string;
  text: string;
}

export const w = (key: string, params: Record<string, string | number> = {}) => t(`console.templates.${key}`, params);
export const kindWord = (kind: string) => w(`kind.${kind}`);
export const channelWord = (channel: string) => w(`channel.${channel}`);
export const languageWord = (language: string) => w(`language.${language}`);

/** `2 SMS, 171 Zeichen, 2 Guthabenpunkte` */
export function measured(found: Pick<Preview, "measure" | "cost">): string {
  const cost = found.cost === null ? "" : found.cost === 1 ? w("one_credit") : w("credits", { n: number(found.cost) });
  if (!found.measure) return cost;
  const parts = found.measure.parts === 1 ? w("one_part") : w("parts", { n: number(found.measure.parts) });
  return [parts, w("units", { n: number(found.measure.units), left: number(found.measure.left) }), cost].filter(Boolean).join(" · ");
}
