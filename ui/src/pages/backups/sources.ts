// What is backed up besides praxisd's own data, and what was left out on purpose.
import { get, post, put } from "../../lib/api";
import { b } from "./backups";

export type SourceKind = "folders" | "sqlite" | "postgres" | "command" | "excluded";
export const SOURCE_KINDS: SourceKind[] = ["folders", "sqlite", "postgres", "command"];
export interface Source {
  name: string;
  kind: SourceKind | "own";
  spec: Record<string, unknown>;
  reason: string;
  title: string;
  by: string;
  at: string | null;
  hasSecret: boolean;
}
export const sources = (background = false) => get<{ sources: Source[] }>("/backups/sources", { background });
const path = (name: string) => `/backups/sources/${encodeURIComponent(name)}`;
export const keepSource = (name: string, body: { kind: SourceKind; spec: Record<string, unknown>; reason: string; secret?: string }) => put<unknown>(path(name), body);
/** Can it be copied as it is set up? */
export const testSource = (name: string) => post<{ good: boolean; title: string; cause: string; solution: string; detail: string }>(`${path(name)}/test`);
export const sourcePath = path;

/** Where it lies, in one line. */
export function placeWords(one: Source): string {
  const spec = one.spec as Record<string, string | number | string[] | undefined>;
  if (one.kind === "postgres") return `${spec.database} · ${spec.host}${spec.port && spec.port !== 5432 ? `:${spec.port}` : ""}`;
  if (one.kind === "command") return (spec.args as string[] | undefined)?.join(" ") ?? "";
  return String(spec.path ?? "");
}
export const kindWords = (one: Source) => b(`source_kind.${one.kind}`);

/** One line per entry, blank ones left out. */
export const lines = (text: string) => text.split("\n").map((one) => one.trim()).filter(Boolean);
