// The seat of this tab: who works here and at what, told to the practice's other seats, and what they tell.
//
// It comes back by itself after an interruption and says then which locks it believes to have. Where it is not there, records
// are saved by their version alone (lib/lock.svelte.ts says so).
import { get, Refused } from "./api";
import { onChange } from "./live.svelte";
import { LineLost, SeatLine, type Announcement, type At, type Holder, type Mode, type Push, type Welcome } from "./seatline";
import { may, renew, session } from "./session.svelte";

export const seat = $state<{
  /** `off`: this person has no seat here. */
  state: "off" | "connecting" | "here" | "lost";
  id: string;
  name: string;
  viewer: boolean;
  /** Seconds without a word after which the server takes this seat for gone. */
  interval: number;
  mode: Mode;
  modeUntil: string | null;
  announcement: Announcement | null;
  /** Who is at the records that are looked at here, oneself left out. */
  present: Record<string, At>;
}>({ state: "off", id: "", name: "", viewer: false, interval: 30, mode: "operation", modeUntil: null, announcement: null, present: {} });

/** What a lock held or wanted here is told (lib/lock.svelte.ts). */
export interface Hold {
  record: string;
  /** The fence believed in; null: not held. */
  fence: number | null;
  /** The seat is there, anew perhaps: with the lock, without it, or never asked for. */
  back(welcome: Welcome): void;
  /** The seat is gone for now. */
  gone(): void;
  heard(push: Push): void;
}

const NAME = "praxisd.seat";
const SESSION = "praxisd.seat.session";
const REPLACED = 4409;
/** Not as long as nothing changes there: may not, safe mode. */
const REST = new Set([4403, 4503]);
const ANSWER_MS = 8_000;
const REST_MS = 30_000;
const WORD_MS = 150;
const TICK_MS = 1_000;
const PAUSES_MS = [400, 1_000, 2_000, 5_000, 10_000];
/** Soon at first, then more patiently; a little apart, so that not all seats of a practice come back at once. */
const nextPause = (tries: number) => PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]! * (0.8 + 0.4 * Math.random());

const holds = new Map<string, Hold>();
let line: SeatLine | null = null;
let own = "";
let retry = 0;
let failures = 0;
let heardAt = 0;
let beatAt = 0;
let tickedAt = 0;
let looked: string[] = [];
let shown: string | null = null;
let begun = false;

const hex = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

/** `Firefox, Windows`: what a browser is called until somebody gives it a better name. */
function browserWord(): string {
  const agent = navigator.userAgent;
  const first = (words: [RegExp, string][]) => words.find(([sign]) => sign.test(agent))?.[1];
  const program = first([[/Edg\//, "Edge"], [/Firefox\//, "Firefox"], [/Chrom/, "Chrome"], [/Safari\//, "Safari"]]);
  const system = first([[/iPad|iPhone/, "iOS"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS/, "macOS"], [/Linux/, "Linux"]]);
  return [program ?? "Browser", system].filter(Boolean).join(", ");
}

/** The name this browser goes by, the same in all its tabs and for everybody who signs in here. */
function browser(): string {
  try {
    const found = localStorage.getItem(NAME) ?? `browser-${hex()}`;
    localStorage.setItem(NAME, found);
    return found;
  } catch {
    return `browser-${hex()}`;
  }
}

const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(SESSION);
if (tabs) tabs.onmessage = (event: MessageEvent<{ mine?: string; is?: string }>) => {
  if (event.data.is && event.data.is === own) tabs.postMessage({ mine: own });
};

/** The session of this tab, also after a reload; a tab that was doubled gets one of its own. */
async function sessionId(): Promise<string> {
  let found: string | null = null;
  try {
    found = sessionStorage.getItem(SESSION);
  } catch {
    // then each load is a session
  }
  if (found && /^[0-9a-f]{32}$/.test(found) && !(await taken(found))) return found;
  return remember(hex());
}
function remember(id: string): string {
  try {
    sessionStorage.setItem(SESSION, id);
  } catch {
    // see above
  }
  return id;
}

/** Does another tab have it? Tabs copy what they keep when they are doubled. */
function taken(id: string): Promise<boolean> {
  if (!tabs) return Promise.resolve(false);
  return new Promise((done) => {
    const hear = (event: MessageEvent<{ mine?: string }>) => event.data.mine === id && end(true);
    const end = (yes: boolean) => {
      tabs.removeEventListener("message", hear);
      clearTimeout(timer);
      done(yes);
    };
    const timer = window.setTimeout(() => end(false), WORD_MS);
    tabs.addEventListener("message", hear);
    tabs.postMessage({ is: id });
  });
}

const wanted = () => session.state === "in" && may("seats.lock.hold") && !session.me?.guest && !session.guard?.safe;

async function open(): Promise<void> {
  clearTimeout(retry);
  if (line || !wanted()) return;
  if (seat.state === "off") seat.state = "connecting";
  own ||= await sessionId();
  // A server that is away answers a question quietly; a line that is refused stands as an error in the browser's log.
  const ready = await fetch("/health/ready", { cache: "no-store" }).then((answer) => answer.ok, () => false);
  if (line || !wanted()) return;
  if (!ready) return later();
  line = new SeatLine({ greeted: () => void arrive(), heard, over });
  heardAt = Date.now();
}

async function arrive(): Promise<void> {
  const at = looked.at(-1) ?? null;
  const mine = [...holds.values()].filter((one) => one.fence !== null).map((one) => ({ record: one.record, fence: one.fence }));
  try {
    const welcome = await ask<Welcome>("here", {
      session: own, seat: browser(), person: (session.me?.user.name ?? "").slice(0, 80), program: browserWord(), ...(at && { at }), holds: mine,
    });
    failures = 0;
    beatAt = Date.now();
    shown = at;
    Object.assign(seat, {
      state: "here", id: welcome.seat.id, name: welcome.seat.name, viewer: welcome.seat.viewer ?? false, interval: welcome.interval,
      mode: welcome.mode, modeUntil: welcome.modeUntil ?? null, announcement: welcome.announcement ?? null,
    });
    for (const one of holds.values()) one.back(welcome);
    for (const one of welcome.locks ?? []) if (!holds.has(one.record)) void ask("release", { record: one.record, fence: one.fence }).catch(() => {});
    if (at) void who(at);
  } catch (why) {
    if (why instanceof Refused && why.code === "seats.session_taken") own = remember(hex());
    line?.drop(); // `over` tries again
  }
}

function over(code: number): void {
  line = null;
  for (const one of holds.values()) one.gone();
  if (code === REPLACED) own = remember(hex());
  if (!wanted()) {
    seat.state = "off";
    return;
  }
  if (seat.state !== "connecting") seat.state = "lost";
  if (code === 4401) void renew(); // another tab may have signed in anew
  later(code === REPLACED ? 0 : REST.has(code) ? REST_MS : undefined);
}

function later(pause = nextPause(failures++)): void {
  clearTimeout(retry);
  retry = window.setTimeout(() => void open(), pause);
}

function heard(push: Push): void {
  heardAt = Date.now();
  if (push.type === "interval") seat.interval = push.seconds;
  else if (push.type === "mode") Object.assign(seat, { mode: push.mode, modeUntil: push.until ?? null });
  else if (push.type === "announcement") seat.announcement = push.announcement ?? null;
  else if (push.type === "presence") put(push.record, push);
  if ("record" in push) holds.get(push.record)?.heard(push);
}

const others = (all: Holder[] | undefined) => (all ?? []).filter((one) => one.session !== own);
function put(record: string, at: Partial<At>): void {
  seat.present[record] = { here: others(at.here), ...(at.holder && at.holder.session !== own && { holder: at.holder }) };
}
async function who(record: string): Promise<void> {
  const found = await ask<{ records: Record<string, At> }>("who", { records: [record] }).catch(() => null);
  if (found) put(record, found.records[record] ?? {});
}

/** Ask the server; rejects with Refused, or LineLost where the seat is not there. */
export async function ask<T>(type: string, body: Record<string, unknown> = {}): Promise<T> {
  if (!line) throw new LineLost();
  try {
    return await line.ask<T>(type, body);
  } catch (why) {
    if (why instanceof Refused && why.code === "seats.session_gone") line?.drop(); // silent for too long: come anew
    throw why;
  } finally {
    heardAt = Date.now();
  }
}

/** Show the others that this record is looked at here, until the returned function is called. Call inside an effect. */
export function look(record: string): () => void {
  looked.push(record);
  queueMicrotask(tell);
  return () => {
    const at = looked.lastIndexOf(record);
    looked = looked.filter((_, index) => index !== at);
    if (!looked.includes(record)) delete seat.present[record];
    queueMicrotask(tell);
  };
}
function tell(): void {
  const now = looked.at(-1) ?? null;
  if (now === shown || seat.state !== "here") return;
  shown = now;
  void ask("at", { record: now }).catch(() => {});
  if (now) void who(now);
}

/** A lock wants to be told; the returned function ends that. */
export function tellHold(one: Hold): () => void {
  holds.set(one.record, one);
  return () => {
    if (holds.get(one.record) === one) holds.delete(one.record);
  };
}

/** Once a second, also while nobody looks: say that this seat lives, and notice when the other side does not. */
function tick(): void {
  const now = Date.now();
  const slept = now - tickedAt > 5 * TICK_MS;
  tickedAt = now;
  if (!wanted()) {
    if (line) leave();
    return;
  }
  if (!line || seat.state !== "here") {
    if (line && now - heardAt > ANSWER_MS) line.drop();
    return;
  }
  if (beatAt > heardAt && now - beatAt > ANSWER_MS) return line.drop();
  if (slept || now - beatAt >= (seat.interval * 1000) / 3 - TICK_MS) {
    beatAt = now;
    void ask<{ interval: number }>("beat").then((found) => (seat.interval = found.interval), () => {});
  }
}

/** Nobody works here any more: all locks are free at once. */
export function leave(): void {
  const going = line;
  line = null;
  clearTimeout(retry);
  going?.farewell();
  going?.drop();
  seat.state = "off";
}

let clock: Worker | null = null;
/** Begin to be a seat, once for this tab; it ends with the tab. */
function begin(): void {
  if (begun) return;
  begun = true;
  tickedAt = Date.now();
  setInterval(tick, TICK_MS);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && void open());
  addEventListener("online", () => void open());
  document.addEventListener("visibilitychange", () => {
    clock?.terminate();
    clock = null;
    if (!document.hidden) return void (line ? tick() : open());
    clock = new Worker(new URL("./tick.worker.ts", import.meta.url), { type: "module" });
    clock.onmessage = tick;
  });
}

/** Be a seat from now on, where this person may; nothing happens to one that is a seat already. */
export function takeSeat(): void {
  if (!may("seats.lock.hold")) return;
  begin();
  if (seat.state === "off") void open();
}

type Told = { mode: Mode; modeUntil?: string | null; announcement?: Announcement | null };
/** Be a seat; who only looks on is told mode and maintenance by question. Call inside an effect. */
export function followSeat(): (() => void) | void {
  if (may("seats.lock.hold")) return takeSeat();
  const read = async () => {
    const told = await get<Told>("/seats/state", { background: true }).catch(() => null);
    if (told) Object.assign(seat, { mode: told.mode, modeUntil: told.modeUntil ?? null, announcement: told.announcement ?? null });
  };
  void read();
  return onChange("*", (changes) => changes.some((one) => /^(mode|maintenance|reset)/.test(one.type)) && void read());
}
