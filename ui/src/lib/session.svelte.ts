// Who sits here. Signing in again after the session ended leaves every page as it was.
import { ask, connect, get, post, Refused } from "./api";
import { forgetAll, keepFor } from "./keeping";

export interface Me {
  csrf: string;
  /** No user: somebody who was let in for a time (remote support). */
  guest?: boolean;
  user: { id: string; login: string; name: string; role: string };
  permissions: string[];
  masked: boolean;
  organization: { id: string; name: string; zone: string; language: string };
  expiresAt: string;
  secondFactor: boolean;
  secondFactorMust: boolean;
  recoveryCodesLeft: number;
}

/** A form that a service or plug-in declared, with its words. */
export interface PageForm {
  path: string;
  title: string;
  send: string;
  fields: { key: string; kind: "text" | "number" | "date" | "flag" | "choice"; label: string; help: string; required: boolean; choices: { value: string; label: string }[] }[];
}

export interface PageEntry {
  name: string;
  title: string;
  group: string;
  order: number;
  icon: string;
  listing: string | null;
  form: PageForm | null;
}

export interface Console {
  version: string;
  instance: string;
  node: string;
  development: boolean;
  demo: boolean;
  /** Several practices share this server, and another one looks after it. */
  shared?: boolean;
  cursor: string;
  pages: PageEntry[];
  groups: { name: string; title: string }[];
}

/** The guard and what it said of this server's start; `safe`: it runs in safe mode. */
export interface Guard {
  present: boolean;
  safe: boolean;
  state: string | null;
  version: string | null;
  since: string | null;
  start: { reason: string; at: string | null; failures: number; end: string; log: string; by: string } | null;
}

type State = "loading" | "out" | "in" | "ended" | "unreachable";
export const session = $state<{ state: State; me: Me | null; house: Console | null; guard: Guard | null; online: boolean }>({
  state: "loading",
  me: null,
  house: null,
  guard: null,
  online: true,
});

let waiting: (() => void)[] = [];

/** Take up the session this browser has now (another tab may have signed in anew); false where there is none. */
export async function renew(): Promise<boolean> {
  try {
    const me = await get<Me>("/session");
    if (session.me && session.me.user.id !== me.user.id) {
      arrive(me);
      location.reload(); // somebody else sits here now: nothing of the one before may stay
      return await new Promise<boolean>(() => {});
    }
    session.me = me;
    if (session.state === "ended") resume();
    return true;
  } catch {
    return false;
  }
}

connect({
  csrf: () => session.me?.csrf ?? "",
  online: (good) => (session.online = good),
  renew,
  signedOut: () => {
    over();
    return new Promise((done) => waiting.push(done));
  },
});

/** Where remote support begins and ends. */
const GUESTS = "/support";

/** Nobody is signed in any more. Of a guest nothing may stay on the screen. */
export function over(): void {
  if (session.me?.guest) location.replace(GUESTS);
  else session.state = session.me ? "ended" : "out";
}

/** Find out whether somebody is signed in. */
export async function begin(): Promise<void> {
  try {
    await enter(await get<Me>("/session"));
  } catch (error) {
    session.state = error instanceof Refused ? "out" : "unreachable";
  }
}

/** Sign in; throws Refused with `accounts.second_factor_needed` when a code is asked for. */
export async function signIn(login: string, password: string, code?: string): Promise<void> {
  const before = session.me?.user.id;
  const me = (await ask<Me>("POST", "/session", code ? { login, password, code } : { login, password })).data;
  arrive(me);
  if (before && before !== me.user.id) {
    location.reload(); // somebody else: nothing of the one before may stay on the screen
    return;
  }
  await enter(me);
  resume();
}

const ARRIVED = "praxisd.arrived";
/** Somebody has come: what greets them waits until their first page stands, also where that is loaded anew. */
function arrive(me: Me): void {
  try {
    sessionStorage.setItem(ARRIVED, me.user.id);
  } catch {
    // a browser that keeps nothing greets nobody
  }
}

/** True once after somebody signed in here, or took over from another person. */
export function greeted(): boolean {
  try {
    const mine = sessionStorage.getItem(ARRIVED) === session.me?.user.id;
    if (mine) sessionStorage.removeItem(ARRIVED);
    return mine;
  } catch {
    return false;
  }
}

/** Let the calls go on that waited for somebody to sign in. */
function resume(): void {
  session.state = "in";
  const going = waiting;
  waiting = [];
  for (const go of going) go();
}

async function enter(me: Me): Promise<void> {
  session.me = me;
  keepFor(me.user.id);
  const guard = may("kernel.guard.read") ? get<Guard>("/guard").catch(() => null) : null;
  [session.house, session.guard] = await Promise.all([get<Console>("/console"), guard]);
  session.state = "in";
}

/** Fetch names and rights anew (after a change of language or role). */
export async function refresh(): Promise<void> {
  if (session.state !== "in") return;
  const [me, house] = await Promise.all([get<Me>("/session"), get<Console>("/console")]);
  session.me = me;
  session.house = { ...house, cursor: session.house?.cursor ?? house.cursor };
}

/** Sign out here; with `everywhere` on all other devices too. */
export async function signOut(everywhere = false): Promise<void> {
  if (everywhere) await post("/sessions/end", { keepCurrent: true });
  await ask("DELETE", "/session");
  forgetAll();
  if (session.me?.guest) {
    location.replace(GUESTS);
    return;
  }
  location.hash = "";
  location.reload();
}

/** True if the person may do it; the server checks again. */
export function may(permission: string): boolean {
  return session.me?.permissions.includes(permission) ?? false;
}
