// Webhooks as the server gives them: who is called about what, and how it went.
import { ask, get, post } from "../../lib/api";
import { t } from "../../lib/i18n.svelte";
import type { Fault } from "../online/portals";

export interface Webhook {
  id: string;
  version: number;
  name: string;
  url: string;
  events: string[];
  active: boolean;
  portal: string | null;
  portalName: string | null;
  secretPrefix: string | null;
  state: { deliveredAt: string | null; failures: number; open: number; problem: Fault | null };
  /** Only in the answer that made it. */
  secret?: string;
}
export interface EventKind {
  type: string;
  title: string;
}
export interface Delivery {
  id: string;
  type: string;
  title: string;
  state: "open" | "delivered" | "failed";
  attempts: number;
  status: number | null;
  code: string | null;
  problemTitle: string | null;
  createdAt: string;
  doneAt: string | null;
  nextAt: string | null;
  replay: number;
  payload?: unknown;
}
export interface Tried {
  ok: boolean;
  status: number | null;
  ms: number | null;
  problem: Fault | null;
}
export const TONES = { open: "info", delivered: "good", failed: "bad" } as const;
/** All events, whichever come later. */
export const EVERY = "*";

export const h = (key: string, params: Record<string, string | number> = {}) => t(`console.webhooks.${key}`, params);
export const load = (background = false) => get<{ webhooks: Webhook[]; events: EventKind[] }>("/webhooks", { background });
export const save = async (one: Webhook | undefined, body: unknown, version?: number) =>
  (await (one ? ask<Webhook>("PUT", `/webhooks/${one.id}`, body, { version }) : ask<Webhook>("POST", "/webhooks", body))).data;
export const renew = (id: string) => post<Webhook>(`/webhooks/${id}/secret`);
export const test = (id: string) => post<Tried>(`/webhooks/${id}/test`);
export const deliveries = (id: string, state: string, cursor: string | null, background = false) => {
  const query = new URLSearchParams({ limit: "50", ...(state && { state }), ...(cursor && { cursor }) });
  return get<{ deliveries: Delivery[]; next: string | null }>(`/webhooks/${id}/deliveries?${query}`, { background });
};
export const replay = (delivery: string) => post<Delivery>(`/webhooks/deliveries/${delivery}/replay`);
