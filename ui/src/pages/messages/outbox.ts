// Messages to patients as the server gives them, and the words around them.
import { ask } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";

export interface Message {
  id: string;
  version: number;
  kind: string;
  state: string;
  channel: string | null;
  address: string | null;
  patient: { id: string | null; name: string | null };
  appointment: string | null;
  start: string | null;
  mandatorName: string | null;
  language: string;
  subject: string | null;
  text: string | null;
  parts: number;
  cost: number;
  charged: number;
  reason: string | null;
  reasonTitle: string | null;
  reasonCause: string | null;
  reasonSolution: string | null;
  detail: string | null;
  letter: string | null;
  reply: string | null;
  preparedAt: string;
  nextAt: string | null;
  sendingAt: string | null;
  acceptedAt: string | null;
  endedAt: string | null;
  uselessAfter: string;
  attempts: number;
  gateway: string | null;
  run: string | null;
}
export interface Field {
  key: string;
  label: string;
  secret: boolean;
  needed: boolean;
  default: string;
  choices: { value: string; label: string }[];
}
export interface Gateway {
  name: string;
  channel: string;
  title: string;
  fields: Field[];
  hook: "none" | "made" | "given";
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
  hookAddress: string;
  hookSecret: string;
  abilities: { finds: boolean; reports: boolean; hooks: boolean; balance: boolean; final: boolean };
}
export interface Purse {
  mandator: string;
  name: string;
  licensed: boolean;
  licenceTo: string | null;
  credits: number;
  reserved: number;
  low: boolean;
}
export interface Purses {
  mandators: Purse[];
  minimum: number;
  check: boolean;
}
export interface Month {
  month: string;
  mandator: string | null;
  mandatorName: string | null;
  channel: string;
  kind: string;
  prepared: number;
  accepted: number;
  delivered: number;
  failed: number;
  expired: number;
  unsure: number;
  withdrawn: number;
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
/** Change one message: what was done with it. */
export const act = async (one: Message, deed: string, body: unknown = {}) =>
  (await ask<Message>("POST", `/outbox/${one.id}/${deed}`, body, { version: one.version })).data;
