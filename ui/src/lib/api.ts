// The only way to the server: JSON over /api/v1 with the session's cookie.
//
// A write carries an Idempotency-Key, so that one whose answer was lost is sent again without doing anything twice.
// When the session has ended, the call waits until somebody has signed in again, then goes on: nothing typed is lost.
import { lang } from "./i18n.svelte";

export interface Asked {
  /** The version that was read; sent as If-Match. */
  version?: number;
  signal?: AbortSignal;
  /** The fence of a held record lock. */
  fence?: number;
  /** Nobody clicked for it (a live change, a look at the clock): it does not put off the end of the session. */
  background?: boolean;
  /** What is wanted instead of JSON (a file as itself). */
  accept?: string;
  /** More headers: what is said beside a file. */
  headers?: Record<string, string>;
}

export interface Answered<T> {
  data: T;
  version: number | null;
  status: number;
}

/** What the server refused, in the reader's language. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly cause_: string;
  readonly solution: string;
  readonly detail: string;
  readonly retry: boolean;
  readonly params: Record<string, string | number | boolean | null>;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body.title ?? body.code ?? status));
    this.status = status;
    this.code = String(body.code ?? "http.internal");
    this.title = String(body.title ?? this.code);
    this.cause_ = String(body.cause ?? "");
    this.solution = String(body.solution ?? "");
    this.detail = String(body.detail ?? "");
    this.retry = body.retry === true;
    this.params = (body.params ?? {}) as Record<string, string | number | boolean | null>;
  }
}

/** The server could not be reached at all; what was typed is still here. */
export class Unreached extends Error {}

type Hooks = {
  csrf: () => string;
  /** Take up the session this browser has now (another tab may have signed in anew); false where there is none. */
  renew: () => Promise<boolean>;
  signedOut: (code: string) => Promise<void>;
  online: (good: boolean) => void;
  /** The door is closed for a moment: resolves when it is open again. */
  closed: (problem: Refused) => Promise<void>;
  /** The server runs in safe mode, where most doors rest. */
  safe: () => void;
};
let hooks: Hooks = {
  csrf: () => "", renew: async () => false, signedOut: async () => {}, online: () => {}, closed: async () => {}, safe: () => {},
};
let writes = 0;
// Keys of writes that nobody answered: sent again by hand, they must not be done twice.
const unanswered = new Map<string, string>();

/** Told by the session how to prove who asks and what to do when it has ended. */
export function connect(given: Partial<Hooks>): void {
  hooks = { ...hooks, ...given };
}

/** How many writes are on their way. */
export const writing = (): number => writes;
/** What a closed door says: an update or a restart, a failure, a server that cannot be started at all. */
export const AWAY: ReadonlySet<string> = new Set(["maintenance", "guard.down", "guard.floor"]);

const PAUSES_MS = [400, 1200, 3000];
// From outside a session that has ended looks like none, and none like a missing key.
const ENDED = new Set(["accounts.session_missing", "accounts.session_ended", "accounts.key_missing"]);
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function once(method: string, path: string, body: unknown, asked: Asked, key: string): Promise<Response> {
  const headers: Record<string, string> = { Accept: asked.accept ?? "application/json", "Accept-Language": lang(), ...asked.headers };
  const file = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = file ? "application/octet-stream" : "application/json";
  if (method !== "GET") {
    headers["X-Praxisd-Csrf"] = hooks.csrf();
    headers["Idempotency-Key"] = key;
  }
  if (asked.version !== undefined) headers["If-Match"] = `"${asked.version}"`;
  if (asked.fence !== undefined) headers["X-Praxisd-Fence"] = String(asked.fence);
  if (asked.background) headers["X-Praxisd-Background"] = "1";
  return fetch(path, {
    method,
    headers,
    body: file ? body : JSON.stringify(body),
    signal: asked.signal,
    credentials: "same-origin",
    cache: "no-store",
  });
}

async function refusal(answer: Response): Promise<Refused> {
  try {
    return new Refused(answer.status, (await answer.json()) as Record<string, unknown>);
  } catch {
    return new Refused(answer.status, {});
  }
}

/** Ask the server. Throws Refused, Unreached, or the signal's AbortError. */
export async function ask<T>(method: string, path: string, body?: unknown, asked: Asked = {}): Promise<Answered<T>> {
  if (method !== "GET") writes += 1;
  const answer = await reach(method, path, body, asked).finally(() => {
    if (method !== "GET") writes -= 1;
  });
  const tag = answer.headers.get("ETag");
  const version = tag && /^"\d+"$/.test(tag) ? Number(tag.slice(1, -1)) : null;
  const data = answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
  return { data, version, status: answer.status };
}

async function reach(method: string, path: string, body: unknown, asked: Asked): Promise<Response> {
  const address = path.startsWith("/api/") ? path : `/api/v1${path}`;
  const same = `${method} ${address} ${JSON.stringify(body)}`;
  const key = unanswered.get(same) ?? crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  let renewed = false;
  for (let tries = 0; ; ) {
    let answer: Response;
    try {
      answer = await once(method, address, body, asked, key);
      // A proxy that speaks for a server which is down: nobody of ours has answered.
      if (answer.status >= 500 && !answer.headers.get("Content-Type")?.includes("json")) throw new Unreached();
    } catch (error) {
      if (asked.signal?.aborted) throw error;
      hooks.online(false);
      const pause = PAUSES_MS[tries++];
      if (pause === undefined) {
        if (method !== "GET") unanswered.set(same, key);
        throw new Unreached();
      }
      await wait(pause);
      continue;
    }
    hooks.online(true);
    unanswered.delete(same);
    if (answer.ok) return answer;
    const problem = await refusal(answer);
    if (problem.code === "accounts.csrf_refused" && !renewed && (await hooks.renew())) {
      renewed = true; // another tab of this browser signed in anew: the cookie is its, the word was ours
      continue;
    }
    if (ENDED.has(problem.code) && !path.startsWith("/session")) {
      if (!(await hooks.renew())) await hooks.signedOut(problem.code);
      continue;
    }
    if (AWAY.has(problem.code)) {
      await hooks.closed(problem); // with the same key: nothing is done twice
      asked.signal?.throwIfAborted();
      continue;
    }
    if (problem.code === "guard.safe_mode") {
      hooks.safe();
      throw problem; // no waiting helps: a person has to act
    }
    const again = problem.retry && (answer.status === 503 || problem.code === "http.idempotency_running");
    const pause = PAUSES_MS[tries];
    if (!again || pause === undefined) throw problem;
    tries += 1;
    await wait(pause);
  }
}

export const get = async <T>(path: string, asked?: Asked): Promise<T> => (await ask<T>("GET", path, undefined, asked)).data;
export const post = async <T>(path: string, body: unknown = {}, asked?: Asked): Promise<T> =>
  (await ask<T>("POST", path, body, asked)).data;
export const put = async <T>(path: string, body: unknown, asked?: Asked): Promise<T> =>
  (await ask<T>("PUT", path, body, asked)).data;
export const patch = async <T>(path: string, body: unknown, asked?: Asked): Promise<T> =>
  (await ask<T>("PATCH", path, body, asked)).data;
export const drop = async (path: string, asked?: Asked): Promise<void> => {
  await ask("DELETE", path, undefined, asked);
};

/** Fetch a file (an export, the log) by POST or GET and hand it to the browser to save. */
export async function download(method: "GET" | "POST", path: string, body: unknown, name: string): Promise<void> {
  const answer = await reach(method, path, body, { accept: "*/*" });
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Everything of a list that comes in pages under `name`. */
export async function everything<T>(path: string, name: string): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const mark: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page: Record<string, unknown> = await get(`${path}?limit=200${mark}`);
    found.push(...(page[name] as T[]));
    cursor = (page.next as string | null) ?? null;
  } while (cursor);
  return found;
}
