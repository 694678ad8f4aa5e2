// One product with its packages, substances and texts.
import { get, post } from "../../lib/api";
import type { Package, Substance } from "./medication";

export interface Product {
  id: string;
  name: string;
  holder: string | null;
  form: string | null;
  atc: string | null;
  atcName?: string | null;
  otc?: boolean | null;
  substances: (Substance & { kind?: string })[];
  packages: Package[];
  notes?: { text: string; source?: string | null; sourceUrl?: string | null }[];
}
export interface Text {
  id: string;
  kind: "fi" | "pil";
  title: string;
  source: string;
  released: string;
  sections: { no: number; number: string | null; heading: string; body: string }[];
}
export interface TextHit {
  text: string;
  product: string;
  kind: "fi" | "pil";
  title: string;
  no: number;
  number: string | null;
  heading: string;
  excerpt: string;
  marked: [number, number][];
}

const at = (id: string) => `/medication/products/${encodeURIComponent(id)}`;
export const product = (id: string) => get<Product>(at(id));
/** The texts there are about a product; a kind it has none of is left out. */
export async function texts(id: string): Promise<Text[]> {
  const kinds = await Promise.allSettled((["fi", "pil"] as const).map((kind) => get<Text>(`${at(id)}/text?kind=${kind}`)));
  return kinds.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}
export const findTexts = (text: string) => post<{ results: TextHit[]; more: boolean }>("/medication/texts/search", { text });
