// The server is away for a moment: an update, a restart, or a failure. What was asked waits; the console comes back by itself.
//
// Who answers meanwhile is the server with closed doors or the guard: both say 503 with a code. Nothing typed is lost: a
// call that met a closed door is sent again when it opens. If another version answers then, the page is loaded anew.
import { AWAY, connect, Refused, writing } from "./api";
import { lang } from "./i18n.svelte";
import { live, reconnect } from "./live.svelte";
import { unsaved } from "./router.svelte";
import { may, session, type Console, type Guard } from "./session.svelte";

type Why = "" | "restart" | "try_again";
interface Step {
  step: string;
  version: string | null;
}
export const away = $state<{
  /** What the door says: `maintenance`, `guard.down`, `guard.floor`; empty while it is open. */
  code: string;
  /** What this person asked for, where they did. */
  why: Why;
  /** How far an update is, as long as somebody answers that. */
  order: Step | null;
  since: number;
  /** Another version answers, and something unsaved is open: the person says when to load the page anew. */
  newer: string;
}>({ code: "", why: "", order: null, since: 0, newer: "" });

const LOOK_MS = 1_000;
const GIVEN_UP_MS = 90_000;
const SETTLE_MS = 300;
const SETTLE_MOST_MS = 10_000;
const KEPT = "praxisd.updated";
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

let waiting: (() => void)[] = [];
let watching = false;
/** When the server began that is to be replaced; null where any open door is good. */
let before: string | null = null;

type Peek = { status: number; body: Record<string, unknown> } | null;
/** Ask past the waiting calls; null where nobody answers. */
async function peek(path: string): Promise<Peek> {
  try {
    const answer = await fetch(`/api/v1${path}`, {
      headers: { Accept: "application/json", "Accept-Language": lang(), "X-Praxisd-Background": "1" },
      credentials: "same-origin",
      cache: "no-store",
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  } catch {
    return null;
  }
}

/** A call met a closed door: resolves when it may be sent again. */
function closed(problem: Refused): Promise<void> {
  begin(problem.code);
  return new Promise((done) => waiting.push(done));
}

function begin(code: string): void {
  if (!away.code) away.since = Date.now();
  away.code = code;
  if (!watching) void watch();
}

/** This person asked for a restart or a new try: resolves when another server than the one begun `started` answers. */
export function expectStart(why: Why, started: string | null): Promise<void> {
  before = started ?? "";
  away.why = why;
  begin("maintenance");
  return new Promise((done) => waiting.push(done));
}

async function watch(): Promise<void> {
  watching = true;
  await ask();
  for (;;) {
    await wait(LOOK_MS);
    const said = await peek("/session");
    const code = String(said?.body.code ?? "");
    if (said && AWAY.has(code)) {
      away.code = code;
      await ask();
    } else if (said && said.status < 500 && (await replaced())) {
      if (await back()) break;
    }
  }
  watching = false;
}

/** Is the server that was to go gone? After a while whoever answers is good enough. */
async function replaced(): Promise<boolean> {
  if (before === null || Date.now() - away.since > GIVEN_UP_MS) return true;
  const found = await peek("/guard");
  const start = (found?.status === 200 ? found.body.start : null) as Guard["start"];
  return !!start && start.at !== before;
}

/** How far the update is, if it is one and somebody knows: the server while it still answers, then nobody for a while. */
async function ask(): Promise<void> {
  if (before !== null || !may("updates.read")) return;
  const found = await peek("/updates");
  if (found?.status === 200) away.order = (found.body.order as Step | null) ?? null;
}

/** The door is open: take up the house anew and let the calls go on. False if it was closed again meanwhile. */
async function back(): Promise<boolean> {
  const old = session.house?.version;
  let house: Console | null = null;
  if (session.house) {
    const [found, guard] = await Promise.all([peek("/console"), peek("/guard")]);
    if (!found || found.status >= 500) return false;
    if (found.status === 200) house = found.body as unknown as Console;
    if (guard?.status === 200) session.guard = guard.body as unknown as Guard;
  }
  away.code = "";
  away.order = null;
  away.why = "";
  before = null;
  session.online = true;
  const going = waiting;
  waiting = [];
  for (const go of going) go();
  reconnect();
  if (house) take(house, old);
  return true;
}

function take(house: Console, old: string | undefined): void {
  if (old && house.version !== old) void renewPage(house.version);
  else session.house = { ...house, cursor: session.house?.cursor ?? house.cursor };
}

/** Another version answers: load the page anew, as soon as nothing is lost by it. */
async function renewPage(version: string): Promise<void> {
  const until = Date.now() + SETTLE_MOST_MS;
  do await wait(SETTLE_MS);
  while (writing() && Date.now() < until);
  if (unsaved()) {
    away.newer = version;
    return;
  }
  reload(version);
}

/** Load the page anew on the version that runs now. */
export function reload(version: string): void {
  try {
    sessionStorage.setItem(KEPT, version);
  } catch {
    // then nobody is told; the page is the new one all the same
  }
  location.reload();
}

/** The version this page was loaded anew for, once; empty otherwise. */
export function arrived(): string {
  try {
    const found = sessionStorage.getItem(KEPT) ?? "";
    sessionStorage.removeItem(KEPT);
    return found;
  } catch {
    return "";
  }
}

let looking = false;
/** Is the door open, and who answers? A closed door is heard of at once, not with the next click. */
export async function look(): Promise<void> {
  if (watching || looking || session.state !== "in") return;
  looking = true;
  const said = await peek("/console");
  const code = String(said?.body.code ?? "");
  if (AWAY.has(code)) begin(code);
  else if (said?.status === 200) {
    const guard = await peek("/guard");
    if (guard?.status === 200) session.guard = guard.body as unknown as Guard;
    take(said.body as unknown as Console, session.house?.version);
  }
  looking = false;
}

let followed = false;
/** Look each time the stream of changes is lost or taken up again. Call inside an effect. */
export function followDoor(): void {
  if (live.state === "lost" || (followed && live.state === "live")) void look();
  followed ||= live.state === "live";
}

connect({
  closed,
  // It runs, but in safe mode: the console shows why instead of its pages.
  safe: () => void look(),
});
