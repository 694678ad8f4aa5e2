// The ServiceProvider of a program: what was found of it, and its two INI files.
import { get, post } from "../../lib/api";

export interface IniRow {
  line: number;
  key: string;
  value: string;
  meaning: string;
  finding: string | null;
}
export interface IniFile {
  path: string;
  found: boolean;
  rows: IniRow[];
}
export interface Fault {
  code: string;
  subject: string;
  severity: "error" | "warning" | "info";
  title: string;
  cause: string;
  solution: string;
  repairable: boolean;
  ask: string;
}
export interface Provider {
  software: string;
  name: string;
  product: string;
  state: "running" | "stopped" | "absent" | "unknown";
  version: string | null;
  setupVersion: string | null;
  instance: string | null;
  host: string | null;
  address: string | null;
  port: number | null;
  installation: IniFile;
  pvs: IniFile;
  /** Keys whose values differ between the two files. */
  differences: string[];
  codes: Fault[];
}
export interface Repaired {
  files: string[];
  copies: string[];
  restart: boolean;
}

export const TONES = { running: "good", stopped: "bad", absent: "warn", unknown: "plain" } as const;
export const providers = async (background = false) => (await get<{ serviceproviders: Provider[] }>("/serviceprovider", { background })).serviceproviders;
export const repair = (software: string, code: string) => post<Repaired>("/serviceprovider/repair", { software, code });
export const install = (software: string, dataFolder: string, replace = false) => post<Repaired>("/serviceprovider/install", { software, dataFolder, replace });
