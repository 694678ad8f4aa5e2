// One WebSocket of `praxisd.seats.v1` (docs/reference/seats-protocol.md): questions with their answers, and what comes unasked.
import { Refused } from "./api";

export interface Holder {
  seat: string;
  seatName: string;
  session: string;
  person?: string;
  since?: string;
}
export interface LockHeld {
  record: string;
  fence: number;
  since: string;
  until: string;
}
export interface LockLost {
  record: string;
  fence: number;
  why: "expired" | "taken" | "released";
  since?: string;
  by?: Holder;
}
export interface Announcement {
  at: string;
  minutes: number;
  reason: string;
}
export type Mode = "operation" | "setup";
export interface Welcome {
  seat: { id: string; name: string; viewer?: boolean };
  session: string;
  interval: number;
  mode: Mode;
  modeUntil?: string;
  locks: LockHeld[];
  lost: LockLost[];
  announcement?: Announcement;
}
export interface At {
  here: Holder[];
  holder?: Holder;
}
export type Reply = "soon" | "now" | "no";
export type Reason = "absent" | "crashed" | "urgent" | "other";
export type Push =
  | ({ type: "lost" } & LockLost)
  | ({ type: "granted" } & LockHeld)
  | { type: "asked"; record: string; by: Holder }
  | { type: "replied"; record: string; by: Holder; answer: Reply }
  | ({ type: "presence"; record: string } & At)
  | { type: "interval"; seconds: number }
  | { type: "mode"; mode: Mode; until?: string }
  | { type: "announcement"; announcement: Announcement | null }
  | { type: "bye"; reason: string };

/** The line broke before the answer came: whether it was done is seen after coming back. */
export class LineLost extends Error {}

const PROTOCOL = "praxisd.seats.v1";
const PATH = "/api/v1/seats/live";
type Waiting = { resolve: (answer: never) => void; reject: (why: unknown) => void };

export class SeatLine {
  #socket: WebSocket;
  #last = 0;
  #waiting = new Map<number, Waiting>();
  #over = false;

  /** `heard`: what comes unasked; `greeted`: the server's first word; `over`: the end, once, with its close code. */
  constructor(
    private readonly on: { greeted: () => void; heard: (push: Push) => void; over: (code: number) => void },
  ) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#socket = new WebSocket(`${scheme}://${location.host}${PATH}`, PROTOCOL);
    this.#socket.onmessage = (event) => this.#read(String(event.data));
    this.#socket.onclose = (event) => this.#end(event.code);
  }

  /** Ask; rejects with Refused (as the server words it) or LineLost. */
  ask<T>(type: string, body: Record<string, unknown> = {}): Promise<T> {
    if (this.#over || this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new LineLost());
    const id = ++this.#last;
    this.#socket.send(JSON.stringify({ type, id, ...body }));
    return new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve: resolve as (answer: never) => void, reject }));
  }

  /** Say goodbye where there may be no time for an answer: the page is being left. */
  farewell(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type: "bye", id: ++this.#last }));
  }

  /** Let go of the line; `over` is called with 1006. */
  drop(): void {
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#end(1006);
  }

  #read(text: string): void {
    const message = JSON.parse(text) as { type: string; id?: number; code?: string; title?: string; retry?: boolean; parameters?: Record<string, never> };
    if (message.type === "hello") return this.on.greeted();
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (message.type === "answer" || message.type === "problem") {
      if (!waiting) return;
      this.#waiting.delete(message.id!);
      if (message.type === "answer") waiting.resolve(message as never);
      else waiting.reject(new Refused(423, { code: message.code, title: message.title, retry: message.retry, params: message.parameters }));
      return;
    }
    this.on.heard(message as unknown as Push);
  }

  #end(code: number): void {
    if (this.#over) return;
    this.#over = true;
    for (const one of this.#waiting.values()) one.reject(new LineLost());
    this.#waiting.clear();
    this.on.over(code);
  }
}
