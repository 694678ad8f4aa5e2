// Messages to patients as the server gives them, and the words around them.
import { ask } from "../../lib/api";
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
/** Change one message: what was done with it. */
export const act = async (one: Message, deed: string, body: unknown = {}) =>
  (await ask<Message>("POST", `/outbox/${one.id}/${deed}`, body, { version: one.version })).data;
