// The service partner, the letter to him, and support packages, as the server knows them.
import { get, post } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";

export interface Contact {
  partner: { name: string; email: string; phone: string; customer: string };
  canMail: boolean;
  /** Who asks. */
  person: string;
}
/** What somebody is writing; it outlives a look at another tab. `about`: an open issue, or nothing. */
export interface Draft {
  about: { code: string; subject: string } | null;
  text: string;
  person: string;
  phone: string;
}
export interface Letter {
  to: string;
  subject: string;
  text: string;
  /** Names exactly these words: no others can be sent. */
  digest: string;
}
export interface Sent {
  state: "sent" | "unsure" | "failed";
  to: string;
  reason: { code: string; title: string; cause: string; solution: string } | null;
  detail: string | null;
}
export interface Handover {
  at: string;
  by: string;
  way: "mail" | "file";
  target: string;
  outcome: "sending" | "sent" | "unsure" | "failed";
}
export interface Bundle {
  id: string;
  createdAt: string;
  createdBy: string;
  lines: number;
  bytes: number;
  digest: string;
  file: string;
  first: number;
  text: string[];
  next: string | null;
  handovers: Handover[];
}

export const s = (key: string, params: Record<string, string | number> = {}) => t(`console.support.${key}`, params);
export const TONES = { sending: "info", sent: "good", unsure: "warn", failed: "bad" } as const;

/** An id for one click: the same request, sent again because its answer was lost, sends no second mail. */
export const once = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

const body = (draft: Draft) => ({ issue: draft.about, text: draft.text, person: draft.person, phone: draft.phone });

export const readContact = () => get<Contact>("/support/contact");
export const preview = (draft: Draft) => post<Letter>("/support/contact/preview", body(draft));
export const send = (draft: Draft, digest: string, click: string) =>
  post<Sent>("/support/contact", { ...body(draft), digest, once: click });
export const makeBundle = () => post<Bundle>("/support/bundle");
export const readBundle = (id: string, cursor = "0") => get<Bundle>(`/support/bundle/${id}?cursor=${cursor}`);
export const sendBundle = (id: string, click: string) => post<Sent>(`/support/bundle/${id}/send`, { once: click });
