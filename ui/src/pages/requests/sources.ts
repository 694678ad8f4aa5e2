// Mailboxes, folders and addresses of ours on which bookings arrive.
import { get, post } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";
import { fieldLabel } from "../messages/outbox";
import type { FormField } from "../../parts/FormFields.svelte";

export interface Trouble {
  code: string;
  title: string;
  cause: string;
  solution: string;
}
export interface Source {
  id: string;
  version: number;
  name: string;
  kind: string;
  active: boolean;
  portal: string | null;
  schedule: string | null;
  service: string | null;
  fields: Record<string, string>;
  secretsSet: string[];
  /** Only in the answer that made it. */
  address: string | null;
  state: { goodAt: string | null; failures: number; taken: number; problem: Trouble | null };
}
export const KINDS = ["mailbox", "folder", "hook"];
const MAILBOX: [name: string, required: boolean, start: string][] = [
  ["imap_server", true, ""], ["imap_port", true, "993"], ["imap_login", true, ""], ["imap_password", true, ""], ["imap_inbox", true, "INBOX"],
  ["imap_done", false, ""], ["certificate", false, ""],
];
/** What is asked for to read from a source of this kind. */
export function fieldsOf(kind: string): FormField[] {
  const all = kind === "mailbox" ? MAILBOX : kind === "folder" ? [["folder", true, ""] as [string, boolean, string]] : [];
  return all.map(([name, required, start]) => ({ name, required, default: start, label: fieldLabel(name), help: "", secret: name === "imap_password" }));
}
/** What the server needs besides what was typed. */
export const fixed = (kind: string): Record<string, string> => (kind === "mailbox" ? { mailbox: "imap" } : {});

export const s = (key: string, params: Record<string, string | number> = {}) => t(`console.sources.${key}`, params);
export const load = (background = false) => get<{ sources: Source[] }>("/portals/sources", { background });
export const test = (id: string) => post<{ found: number; readable: number }>(`/portals/sources/${id}/test`);
