// What a virus scanner has to leave alone for one product.
import { get } from "../../lib/api";
import type { ProductEntry, Question } from "./diagnosis";

type Where = "server" | "client" | "both" | "";
interface Row {
  where: Where;
  /** The extra program it belongs to; empty: the product itself. */
  software: string;
  note: string | null;
  question: string | null;
}
export interface Folder extends Row {
  path: string;
  files: string;
}
export interface ServiceProgram extends Row {
  name: string;
  program: string;
}
export interface Exclusions {
  product: ProductEntry;
  exclusions: Folder[];
  services: ServiceProgram[];
  questions: Question[];
}

export const exclusions = (product: string, signal?: AbortSignal) => get<Exclusions>(`/products/${encodeURIComponent(product)}/exclusions`, { signal });
export const shownPath = (one: Folder) => (one.files ? `${one.path.replace(/\\+$/, "")}\\${one.files}` : one.path);
/** All of it as lines to paste into a scanner. */
export const paths = (all: Exclusions) => [...new Set([...all.exclusions.map(shownPath), ...all.services.map((one) => one.program).filter(Boolean)])].join("\n");
