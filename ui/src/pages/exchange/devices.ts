// Devices with their folders, and what they sent.
import { drop, get, post } from "../../lib/api";

export interface Device {
  id: string;
  version: number;
  name: string;
  active: boolean;
  folderIn: string;
  folderOut: string;
  receiver: string;
  sender: string;
  charset: string;
  numbers: string | null;
  tests: string[];
  state: { lookedAt: string | null; goodAt: string | null; taken: number; waiting: number; problem: { code: string; title: string; cause: string; solution: string } | null };
}
export interface Brief {
  id: string;
  device: string;
  deviceName: string | null;
  kind: string;
  receivedAt: string;
  state: "taken" | "doubt" | "discarded";
  why: string | null;
  reason: string | null;
  patient: string | null;
  patientName: string | null;
}
export interface Result extends Brief {
  file: string | null;
  charset: string;
  lines: { line: number; field: string; label: string; text: string | null }[];
  warnings: { line: number; code: string; text: string }[];
  /** Fields in which its master data are not what is known here. */
  differs: string[];
  candidates: { id: string; name: string; birthDate: string | null }[];
}
/** The patient is known; what the device asked cannot be written for it. `differs` then names fields of xDT. */
export const UNANSWERABLE = "exchange.device_answer";
export type Draft = Omit<Device, "id" | "version" | "state" | "numbers" | "tests"> & { numbers: string; /** One in a line. */ tests: string };
export const CHARSETS = ["auto", "7bit", "cp437", "cp850", "cp1252", "iso8859-15", "utf-8"];
export const blank = (): Draft => ({ name: "", active: true, folderIn: "", folderOut: "", receiver: "", sender: "PRAXISD", charset: "auto", numbers: "", tests: "" });
export const toDraft = (one: Device): Draft => ({
  name: one.name, active: one.active, folderIn: one.folderIn, folderOut: one.folderOut, receiver: one.receiver, sender: one.sender, charset: one.charset,
  numbers: one.numbers ?? "", tests: one.tests.join("\n"),
});
export const toBody = (draft: Draft) => ({
  ...draft, name: draft.name.trim(), folderIn: draft.folderIn.trim(), folderOut: draft.folderOut.trim(), numbers: draft.numbers.trim() || null,
  tests: draft.tests.split("\n").map((one) => one.trim()).filter(Boolean),
});
export const devices = async (background = false) => (await get<{ devices: Device[] }>("/exchange/devices", { background })).devices;
export const remove = (one: Device) => drop(`/exchange/devices/${one.id}`, { version: one.version });
export const lookNow = (id: string) => post<{ taken: number; doubts: number; known: number; aside: number; waiting: number }>(`/exchange/devices/${id}/look`);
export const send = (device: string, patient: string, test: string | null) => post<{ file: string }>(`/exchange/devices/${device}/request`, { patient, ...(test && { test }) });
export const resultsOf = async (patient: string, background = false) => (await post<{ results: Brief[] }>("/exchange/results/search", { patient, limit: 100 }, { background })).results;
export const doubts = async (background = false) => (await post<{ results: Brief[] }>("/exchange/results/search", { state: "doubt", limit: 100 }, { background })).results;
export const result = (id: string) => get<Result>(`/exchange/results/${id}`);
/** Whose it is; null: nobody's. */
export const decide = (id: string, patient: string | null) => post<Result>(`/exchange/results/${id}/decide`, { patient });
