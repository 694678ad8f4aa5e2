// Text that was typed and not saved, kept in this tab: it outlives a reload, a lost lock and a server that is away.
//
// Under the id of who typed it, in this tab's own store only; gone with the tab, with signing out, and when it is saved.
const KEPT = "praxisd.typed.";

export interface Kept<T = Record<string, unknown>> {
  /** The fields that were changed, as they stood. */
  changes: Partial<T>;
  /** The version they were typed on; none: a new record. */
  version?: number;
  /** When they were typed last, as epoch milliseconds. */
  at: number;
}

let who = "";

/** Whose text is kept from now on; what somebody else typed in this tab is thrown away. */
export function keepFor(user: string): void {
  who = user;
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEPT) && !key.startsWith(`${KEPT}${user}.`)) sessionStorage.removeItem(key);
  } catch {
    // a browser that keeps nothing has nothing to throw away
  }
}

const key = (record: string) => `${KEPT}${who}.${record}`;

/** Keep what was typed for a record (`Patient/abc`, or `Patient/new`). */
export function keep<T>(record: string, changes: Partial<T>, version?: number): void {
  if (!who) return;
  try {
    sessionStorage.setItem(key(record), JSON.stringify({ changes, version, at: Date.now() } satisfies Kept<T>));
  } catch {
    // a full or closed store: the text is still on the screen
  }
}

/** What is kept for a record, or null. */
export function kept<T>(record: string): Kept<T> | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(key(record)) ?? "null") as Kept<T> | null;
    return found && typeof found.changes === "object" ? found : null;
  } catch {
    return null;
  }
}

/** It is saved, or nobody wants it any more. */
export function forget(record: string): void {
  try {
    sessionStorage.removeItem(key(record));
  } catch {
    // nothing was kept
  }
}

/** Nobody is signed in here any more: nothing stays. */
export const forgetAll = (): void => keepFor("");
