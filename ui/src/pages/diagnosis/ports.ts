// The port list of the practice's programs and of praxisd itself, what was found of each row, and its exports.
import { download, get, post } from "../../lib/api";
import type { Role } from "./diagnosis";

export const PORT_STATES = ["taken", "wrong_answer", "closed", "filtered", "not_listening", "undetermined", "open", "listening"] as const;
export type PortState = (typeof PORT_STATES)[number];
export const PORT_TONES = {
  open: "good", listening: "good", closed: "bad", filtered: "bad", wrong_answer: "bad", taken: "bad", not_listening: "warn", undetermined: "plain",
} as const;

export interface PortResult {
  direction: "out" | "in" | "listen";
  host: string;
  port: number | null;
  state: PortState;
  /** State and reason in words. */
  text: string;
  program: string;
  at: string | null;
}
export interface PortRow {
  id: string;
  source: string;
  sourceName: string;
  service: string;
  protocol: string;
  ports: string[];
  portsText: string;
  in: boolean;
  out: boolean;
  internal: boolean;
  external: boolean;
  targets: string[];
  targetText: string;
  hosts: string[];
  inspection: string[];
  programs: string[];
  note: string | null;
  question: string | null;
  roles: Role[];
  state: PortState;
  text: string;
  results: PortResult[];
}
export interface Ports {
  host: string;
  testedAt: string | null;
  rows: PortRow[];
}

const of = (source: string) => (source ? `?source=${encodeURIComponent(source)}` : "");
export const ports = (background = false) => get<Ports>("/ports", { background });
export const test = (external: boolean) => post<Ports>("/ports/test", { external });

export const EXPORTS = [
  { key: "pdf", path: "/ports/sheet.pdf", file: "ports.pdf", icon: "file" },
  { key: "csv", path: "/ports/sheet.csv", file: "ports.csv", icon: "list" },
  { key: "windows", path: "/ports/rules/windows.ps1", file: "praxisd-firewall.ps1", icon: "shield" },
  { key: "nftables", path: "/ports/rules/nftables.nft", file: "praxisd-firewall.nft", icon: "shield" },
  { key: "ufw", path: "/ports/rules/ufw.sh", file: "praxisd-firewall-ufw.sh", icon: "shield" },
] as const;
/** Save the list or rules; of one source only, where one was chosen. */
export const save = (one: (typeof EXPORTS)[number], source: string) => download("GET", `${one.path}${of(source)}`, undefined, one.file);
/** The reason of a state: the words in brackets behind it, as a sentence of their own. */
export function reason(text: string): string {
  const found = /\((.+)\)$/.exec(text)?.[1] ?? "";
  return found.charAt(0).toUpperCase() + found.slice(1);
}
