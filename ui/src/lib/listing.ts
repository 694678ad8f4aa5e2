// Listings of the server: rows people sort, filter, print and export.
import { download, post } from "./api";

export type Cell = string | number | boolean | null;
export interface Column {
  key: string;
  title: string;
  kind: "text" | "number" | "time" | "date" | "flag" | "choice" | "color" | "minutes";
  sortable: boolean;
  filter: boolean;
  choices: { value: string; label: string }[];
}
export interface Row {
  id: string;
  cells: Record<string, Cell>;
  alert?: boolean;
}
export interface Query {
  sort?: string;
  filters?: Record<string, string>;
  text?: string;
  from?: string;
  to?: string;
  cursor?: string;
  limit?: number;
}
export interface ListingPage {
  name: string;
  columns: Column[];
  text: boolean;
  period: string;
  sort: string;
  rows: Row[];
  next: string | null;
  total: number | null;
}

/** One page of a listing. */
export const page = (name: string, query: Query, signal?: AbortSignal, background = false) =>
  post<ListingPage>(`/listings/${name}`, query, { signal, background });

/** Save all rows of the query as a CSV file. */
export const save = (name: string, query: Query) => {
  const { cursor: _cursor, limit: _limit, ...wanted } = query;
  return download("POST", `/listings/${name}/export`, wanted, `${name}.csv`);
};
