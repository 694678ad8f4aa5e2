// The ServiceProvider of a program: what was found of it, and its two INI files.
import { get, post } from "../../lib/api";

type Side = "pvs" | "install";
export interface IniRow {
  line: number;
  text: string;
  key: string | null;
  meaning: string | null;
  /** What is wrong with the line; `note`: what else is odd about it. */
  finding: string | null;
  codes: string[];
  note: string | null;
}
export interface IniFile {
  side: Side;
  path: string;
  state: "read" | "missing" | "unreadable" | "unseen";
  encoding: string | null;
  rows: IniRow[];
}
export interface Difference {
  key: string;
  meaning: string;
  pvs: string | null;
  install: string | null;
}
export interface Fault {
  code: string;
  severity: "error" | "warning";
  title: string;
  cause: string;
  solution: string;
  side: Side | null;
  line: number | null;
  key: string | null;
  mendable: boolean;
}
export interface Provider {
  software: string;
  product: string;
  state: "running" | "stopped" | "absent" | "unknown";
  stateText: string;
  own: boolean;
  version: string | null;
  setupVersion: string | null;
  setup: string | null;
  instance: string | null;
  host: string | null;
  address: string | null;
  port: number;
  machine: string | null;
  folders: string[];
  service: string | null;
  pvs: IniFile;
  install: IniFile | null;
  differences: Difference[];
  faults: Fault[];
  /** What could not be looked at: while there is any, no fault is not yet good. */
  unknown: string[];
  /** It answers this computer; the way of the others was not tried. */
  fromHere: boolean;
}
export interface Written {
  file: string;
  copy: string | null;
  lines: number[];
}

export const TONES = { running: "good", stopped: "bad", absent: "warn", unknown: "plain" } as const;
export const providers = async (background = false) => (await get<{ providers: Provider[] }>("/serviceprovider", { background })).providers;
export const repair = (software: string, code: string) => post<{ files: Written[]; restart: boolean }>("/serviceprovider/repair", { software, code });
export const install = (software: string, dataFolder: string, replace: boolean) =>
  post<{ identifier: string; port: number; files: Written[]; updated: boolean }>("/serviceprovider/install", { software, dataFolder, replace });
/** Where what was there before lies now. */
export const copies = (files: Written[]) => files.flatMap((one) => (one.copy ? [one.copy] : [])).join(", ");
