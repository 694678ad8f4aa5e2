// The way from outside as the server knows it, and the words around it.
import { get, post, put } from "../../lib/api";
import { moment, second } from "../../lib/format";
import { has, t } from "../../lib/i18n.svelte";

export interface Said {
  code: string | null;
  title: string | null;
  cause: string | null;
  solution: string | null;
}
export interface Link {
  hub: string;
  phase: string;
  since: string;
  rttMs: number | null;
  streams: number;
  retryAt: string | null;
  code: string | null;
  title: string | null;
}
export interface Certificate {
  source: string;
  notAfter: string | null;
  names: string[];
  spki: string | null;
  nextSpki: string | null;
  code: string | null;
  title: string | null;
}
export interface Relay extends Said {
  enabled: boolean;
  enrolled: boolean;
  phase: string;
  connected: boolean;
  reachable: boolean | null;
  since: string | null;
  node: string | null;
  id: string | null;
  hub: string | null;
  host: string | null;
  url: string | null;
  previous: string[];
  pins: string[];
  links: Link[];
  probedAt: string | null;
  certificate: Certificate | null;
  console: boolean;
}
export interface Tried extends Said {
  ok: boolean;
  status: number | null;
  ms: number;
}

export const r = (key: string, params: Record<string, string | number> = {}) => t(`console.relay.${key}`, params);
/** A word of a family; the bare word where there is no text for it. */
export const word = (family: string, one: string) => (has(`console.relay.${family}.${one}`) ? r(`${family}.${one}`) : one);

export const load = (background = false, signal?: AbortSignal) => get<Relay>("/relay", { background, signal });
export const probe = () => post<Relay>("/relay/probe");
export const enable = (enabled: boolean) => put<Relay>("/relay/enabled", { enabled });
export const enrol = (invitation: string, replace: boolean) => post<Relay>("/relay/enrol", { invitation, replace });
export const rotate = () => post<Relay>("/relay/rotate");
export const leave = () => post<Relay>("/relay/leave", { confirm: true });
/** A call from outside with a key, which is kept nowhere. */
export const tryKey = (key: string) => post<Tried>("/relay/try", { key });

export type Stand = "off" | "absent" | "lost" | "checking" | "unreachable" | "good";
/** How it stands, in one word. */
export function stand(one: Relay): Stand {
  if (!one.enabled) return "off";
  if (!one.enrolled) return "absent";
  if (!one.connected) return "lost";
  if (one.reachable === null) return "checking";
  return one.reachable ? "good" : "unreachable";
}
export const TONES = { off: "plain", absent: "warn", lost: "bad", checking: "info", unreachable: "bad", good: "good" } as const;

/** Times to the second: a state that changes within seconds is told to the second. */
export const at = (when: string | null) => (when ? second(when) : "");
export const until = (when: string | null) => (when ? moment(when) : "");
/** The address without `https://`, as people say it. */
export const spoken = (one: Relay) => (one.url ?? one.host ?? "").replace(/^https:\/\//, "");
/** The address portals are given: only while the relay is used. */
export const outside = (one: Relay | null) => (one?.enabled && one.enrolled && one.url ? one.url : "");

const KINDS: Record<string, string> = { list: "read", search: "read", changes: "read", $book: "book", update: "change", patch: "change" };
/** What a portal asked for, in words: of `GET slots.list` or `GET fhir.Slot.search`; empty where there are none. */
export function asked(operation: string): string {
  const [noun = "", verb = ""] = operation.replace(/^\w+ /, "").replace(/^fhir\.(\w)(\w*)/, (_whole, first: string, rest: string) => `${first.toLowerCase()}${rest}s`).split(".");
  const kind = noun === "appointments" && verb === "create" ? "book" : (KINDS[verb] ?? verb);
  const key = `console.relay.op.${noun}_${kind}`;
  return has(key) ? t(key) : "";
}
