// What a patient wants to be sent, by purpose and channel, as the server gives it.
import { t } from "../../lib/i18n.svelte";

export interface Said {
  channel: string;
  state: string;
  at: string | null;
  by: string | null;
  source: string | null;
  note: string | null;
  allowed: boolean;
  reasonTitle: string | null;
}
export interface Wishes {
  patient: string;
  version: number;
  preferred: string;
  purposes: { purpose: string; needsConsent: boolean; channels: Said[] }[];
  reach: { system: string; value: string; use: string | null; verdict: string; doubt: string | null }[];
  history: { at: string; by: string; source: string; what: string; purpose: string | null; channel: string; state: string | null; note: string | null }[];
}
/** As a form has them: the preference, and the word said for `purpose/channel`. */
export interface WishDraft {
  preferred: string;
  said: Record<string, string>;
  note: string;
}

export const STATES = ["open", "given", "withdrawn"];
export const PREFERRED = ["none", "sms", "email", "letter"];
export const v = (key: string, params: Record<string, string | number> = {}) => t(`console.wishes.${key}`, params);

export const toDraft = (one: Wishes): WishDraft => ({
  preferred: one.preferred,
  said: Object.fromEntries(one.purposes.flatMap((each) => each.channels.map((said) => [`${each.purpose}/${said.channel}`, said.state]))),
  note: "",
});

/** What differs, as the server takes it. A purpose goes whole: a no on one channel would else close a yes seen beside it. */
export function changed(before: WishDraft, now: WishDraft): Record<string, unknown> {
  const touched = new Set(Object.keys(now.said).filter((key) => before.said[key] !== now.said[key]).map((key) => key.split("/")[0]));
  const said = Object.entries(now.said)
    .filter(([key]) => touched.has(key.split("/")[0]))
    .map(([key, state]) => ({ purpose: key.split("/")[0], channel: key.split("/")[1], state }));
  return {
    ...(now.preferred !== before.preferred && { preferred: now.preferred }),
    ...(said.length && { said }),
    ...(now.note.trim() && { note: now.note.trim() }),
  };
}
