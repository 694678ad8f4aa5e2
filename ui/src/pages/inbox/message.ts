// A message of the inbox as the server gives it, and what is done with it.
import { ask, download, get, type Asked } from "../../lib/api";
import { number } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";

export type State = "unread" | "read" | "done";
export interface Party {
  reference?: string | null;
  name?: string | null;
}
export interface Attachment {
  id: string;
  contentType: string;
  size: number;
  title?: string | null;
}
export interface Message {
  id: string;
  version: number;
  state: State;
  receivedAt: string;
  sent?: string | null;
  portal?: string | null;
  patient: Party;
  sender: Party;
  recipients: Party[];
  inResponseTo: string[];
  text: string;
  attachments: Attachment[];
}

export const w = (key: string, params: Record<string, string | number> = {}) => t(`console.inbox.${key}`, params);
export const stateWord = (state: State) => t(`console.word.inbox_state.${state}`);

export const read = (id: string, asked?: Asked) => get<Message>(`/communications/${encodeURIComponent(id)}`, asked);
export const mark = async (one: Message, state: State) =>
  (await ask<Message>("PATCH", `/communications/${one.id}`, { state }, { version: one.version })).data;

/** The id behind `Patient/…` or `Communication/…`; empty for anything else. */
export function idOf(reference: string | null | undefined, type: string): string {
  const found = new RegExp(`(?:^|/)${type}/([A-Za-z0-9.-]{1,64})$`).exec(reference ?? "");
  return found?.[1] ?? "";
}

/** The patient who wrote has the patient's name, whatever the sender called itself. */
export const senderName = (one: Message) =>
  (one.sender.reference && one.sender.reference === one.patient.reference && one.patient.name) || one.sender.name || w("unknown");

const ENDINGS: Record<string, string> = {
  "application/pdf": "pdf", "image/gif": "gif", "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "text/plain": "txt",
};
const KIND = (type: string) => (type === "application/pdf" ? "pdf" : type.startsWith("image/") ? "image" : type === "text/plain" ? "text" : "file");

/** `PDF-Dokument, 120 kB` */
export const kindWords = (one: Attachment) => `${w(`kind.${KIND(one.contentType)}`)}, ${number(Math.max(1, Math.ceil(one.size / 1024)))} kB`;

/** A name for the saved file: the title from outside without anything but letters, digits, and the ending of its real type. */
export function fileName(one: Attachment): string {
  const ending = ENDINGS[one.contentType] ?? "bin";
  const plain = (one.title ?? "").normalize("NFC").replace(/\.[A-Za-z0-9]{1,5}$/, "").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  return `${plain || one.id}.${ending}`;
}

export const save = (one: Attachment) => download("GET", `/communications/attachments/${one.id}`, undefined, fileName(one));
