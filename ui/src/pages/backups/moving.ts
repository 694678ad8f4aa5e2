// Moving the server to another computer: how far the way out is, and what is still to be done after the way in.
import { get, post, put } from "../../lib/api";
import { moment } from "./backups";

export interface MoveStep {
  step: string;
  title: string;
  help: string;
  state: "open" | "done";
  by: string;
  at: string | number | null;
  /** praxisd ticks it by itself once it sees it done. */
  measured: boolean;
}
export interface Move {
  state: "none" | "running" | "left" | "failed" | "unsure";
  to: string;
  copy: string;
  step: string;
  done: number;
  whole: number;
  fault: { code: string; title: string; cause: string; solution: string; detail: string } | null;
  arrival: { id: string; at: string | number; host: string; followed: string[]; steps: MoveStep[] } | null;
}
export const readMove = (background = false) => get<Move>("/backups/move", { background });
export const moveOut = (to: string) => post<Move>("/backups/move/out", { to });
export const tickStep = (step: string, state: "open" | "done") => put<Move>(`/backups/move/steps/${encodeURIComponent(step)}`, { state });
/** Instants come as RFC 3339 or in epoch seconds. */
export const when = (at: string | number) => moment(typeof at === "number" ? at * 1000 : at);
