// The port list of the practice's programs and of praxisd itself, what was found of each row, and its exports.
import { download, get, post } from "../../lib/api";

export type PortState = "open" | "listening" | "closed" | "filtered" | "wrong_answer" | "not_listening" | "undetermined";
export const PORT_TONES = {
  open: "good", listening: "good", closed: "bad", filtered: "bad", wrong_answer: "bad", not_listening: "bad", undetermined: "plain",
} as const;

export interface PortResult {
  direction: "in" | "out";
  target: string;
  state: PortState;
  why: string;
  at: string | null;
}
export interface PortRow {
  id: string;
  source: string;
  service: string;
  protocol: string;
  ports: string[];
  in: boolean;
  out: boolean;
  internal: boolean;
  external: boolean;
  targets: string[];
  inspection: string[];
  programs: string[];
  note: string;
  question: string;
  results: PortResult[];
}
export interface Ports {
  rows: PortRow[];
  at: string | null;
}

export const ports = (background = false) => get<Ports>("/ports", { background });
export const test = (external: boolean) => post<Ports>("/ports/test", { external });

export const EXPORTS = [
  { key: "pdf", path: "/ports/sheet.pdf", file: "ports.pdf", icon: "printer" },
  { key: "csv", path: "/ports/sheet.csv", file: "ports.csv", icon: "download" },
  { key: "windows", path: "/ports/rules/windows.ps1", file: "praxisd-firewall.ps1", icon: "shield" },
  { key: "nftables", path: "/ports/rules/nftables.nft", file: "praxisd.nft", icon: "shield" },
  { key: "ufw", path: "/ports/rules/ufw.sh", file: "praxisd-ufw.sh", icon: "shield" },
] as const;
export const save = (one: (typeof EXPORTS)[number]) => download("GET", one.path, undefined, one.file);

const WORST: PortState[] = ["closed", "filtered", "wrong_answer", "not_listening", "undetermined", "open", "listening"];
/** The state a row is judged by: of several results the worst. */
export const stateOf = (row: PortRow): PortState => row.results.map((one) => one.state).sort((a, b) => WORST.indexOf(a) - WORST.indexOf(b))[0] ?? "undetermined";
