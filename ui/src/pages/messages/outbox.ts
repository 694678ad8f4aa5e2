// Messages to patients as the server gives them, and the words around them.
import { ask } from "../../lib/api";
import { number } from "../../lib/format";
import { has, t } from "../../lib/i18n.svelte";

export interface Message {
  id: string;
  version: number;
  kind: string;
  state: string;
  channel: string | null;
  address: string | null;
  patient: string | null;
  patientName: string | null;
  appointment: string | null;
  start: string | null;
  mandatorName: string | null;
  language: string;
  subject: string | null;
  text: string | null;
  parts: number;
  cost: number;
  charged: number;
  reason: Reason | null;
  detail: string | null;
  letter: string | null;
  reply: string | null;
  preparedAt: string;
  nextAt: string | null;
  sentAt: string | null;
  acceptedAt: string | null;
  endedAt: string | null;
  uselessAfter: string;
  attempts: number;
  gateway: string | null;
  run: string | null;
  replies: { at: string; meaning: string; communication: string | null }[];
}
export interface Reason {
  code: string;
  title: string;
  cause: string;
  solution: string;
}
export interface Field {
  key: string;
  secret: boolean;
  needed: boolean;
  default: string;
  choices: string[];
}
export interface Gateway {
  name: string;
  channel: string;
  title: string;
  fields: Field[];
  hook: "none" | "made" | "given";
  finds: boolean;
  reports: boolean;
  balance: boolean;
  final: boolean;
  senderLetters: number;
  senderDigits: number;
  site: string;
}
export interface Account {
  channel: string;
  version: number;
  active: boolean;
  gateway: string;
  sender: string;
  fields: Record<string, string>;
  secrets: string[];
  cost: number;
  hookSecretSet: boolean;
  hookAddress: string | null;
  waiting: number;
  unsure: number;
}
export interface Purse {
  mandator: string;
  name: string;
  active: boolean;
  balance: number;
  reserved: number;
  spendable: number;
}
export interface Month {
  month: string;
  mandator: string | null;
  mandatorName: string | null;
  channel: string | null;
  kind: string;
  states: Record<string, number>;
  credits: number;
}

export const m = (key: string, params: Record<string, string | number> = {}) => t(`console.outgoing.${key}`, params);
export const stateWord = (state: string) => t(`console.word.outbox_state.${state}`);
export const channelName = (channel: string | null) => (channel ? t(`console.templates.channel.${channel}`) : "–");
export const kindName = (kind: string) => t(`console.templates.kind.${kind}`);
export function tone(state: string): "good" | "warn" | "bad" | "info" | "plain" {
  if (state === "delivered" || state === "accepted") return "good";
  if (state === "failed" || state === "expired") return "bad";
  if (state === "unsure") return "warn";
  return state === "withdrawn" ? "plain" : "info";
}
/** A field of a gateway; one that a practice's own file names is shown as it is. */
export const fieldLabel = (key: string) => (has(`console.gateway.${key}`) ? t(`console.gateway.${key}`) : key);
export const choiceLabel = (key: string, value: string) => (has(`console.gateway.${key}_${value}`) ? t(`console.gateway.${key}_${value}`) : value);
const ONLY: [RegExp, string][] = [[/^folder$/, "folder"], [/^imap_/, "imap"]];
const LAST = /^(reply_to|return_to|certificate)$/;
/** The fields to ask for: those of another kind of mailbox are left out, rare ones come last. */
export function asked(gateway: Gateway, values: Record<string, string>): Field[] {
  const kind = gateway.fields.find((one) => one.key === "mailbox");
  const chosen = values.mailbox || kind?.default;
  const shown = kind ? gateway.fields.filter((one) => ONLY.every(([key, value]) => !key.test(one.key) || value === chosen)) : gateway.fields;
  return shown.toSorted((a, b) => Number(LAST.test(a.key)) - Number(LAST.test(b.key)));
}
/** Why this sender cannot be: a number too long, or a name the network would cut. Empty: nothing is wrong. */
export function senderWrong(gateway: Gateway, sender: string): string {
  const plain = sender.trim();
  if (gateway.channel !== "sms" || !plain) return "";
  const digits = plain.replace(/[\s()/.-]/g, "");
  if (/^(\+|00)?\d+$/.test(digits)) return digits.replace(/^(\+|00)/, "").length > gateway.senderDigits ? m("sender_digits", { n: gateway.senderDigits }) : "";
  return [...plain].length > gateway.senderLetters ? m("sender_letters", { n: gateway.senderLetters }) : "";
}
/** `1 Guthabenpunkt`, `3 Guthabenpunkte` */
export const credits = (n: number) => (n === 1 ? t("console.templates.one_credit") : t("console.templates.credits", { n: number(n) }));
/** A word at the head of a column. */
export const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
/** Change one message: what was done with it. */
export const act = async (one: Message, deed: string, body: unknown = {}) =>
  (await ask<Message>("POST", `/outbox/${one.id}/${deed}`, body, { version: one.version })).data;
