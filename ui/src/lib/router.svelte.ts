// Where one is: `#/page/arg/arg`. Ids of patients never stand in an address: they travel in the history's state.
export interface Place {
  page: string;
  args: string[];
  state: Record<string, string>;
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // an address typed by hand
  }
}

function read(): Place {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(plain);
  const kept: unknown = history.state;
  return { page: parts[0] ?? "overview", args: parts.slice(1), state: (kept ?? {}) as Record<string, string> };
}

export const place = $state<{ now: Place }>({ now: read() });
let guard: (() => Promise<boolean>) | null = null;

/** Ask this before leaving the page (unsaved text); null takes the guard away. */
export function guardLeaving(ask: (() => Promise<boolean>) | null): void {
  guard = ask;
}

/** True while something is typed that nobody has saved: in a page that said so, or in a window with fields. */
export const unsaved = (): boolean => guard !== null || document.querySelector("dialog[open] :is(input, textarea, select)") !== null;

/** The address of a page. */
export function address(page: string, ...args: string[]): string {
  return `#/${[page, ...args].map(encodeURIComponent).join("/")}`;
}

/** Go to a page; `state` is kept in the browser's history only. */
export async function go(page: string, args: string[] = [], state: Record<string, string> = {}): Promise<void> {
  if (guard && !(await guard())) return;
  guard = null;
  history.pushState(state, "", address(page, ...args));
  place.now = read();
}

/** Change arguments of the page one is on, without a new entry in the history. */
export function stay(args: string[], state: Record<string, string> = {}): void {
  history.replaceState(state, "", address(place.now.page, ...args));
  place.now = read();
}

let arriving = false;

const other = (one: unknown, two: unknown) => JSON.stringify(one ?? {}) !== JSON.stringify(two);

/** The address has changed already (back, forward, a link): with a guard, ask, and go back where one was on no. */
async function arrive(): Promise<void> {
  if (arriving) return;
  const elsewhere = location.hash !== address(place.now.page, ...place.now.args) || other(history.state, $state.snapshot(place.now.state));
  if (guard && elsewhere) {
    const kept = place.now;
    arriving = true;
    const going = await guard();
    arriving = false;
    if (!going) {
      history.pushState($state.snapshot(kept.state), "", address(kept.page, ...kept.args));
      return;
    }
    guard = null;
  }
  place.now = read();
}

addEventListener("popstate", () => void arrive());
addEventListener("hashchange", () => void arrive());
addEventListener("beforeunload", (event) => {
  if (guard) event.preventDefault();
});
