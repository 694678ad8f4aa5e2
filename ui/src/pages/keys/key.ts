// A key as the server shows it, and as it answers the one time that its secret is in it.
import { everything, post } from "../../lib/api";
import { failed } from "../../lib/toasts.svelte";

export interface Key {
  id: string;
  name: string;
  role: string;
  state: "valid" | "expired" | "revoked";
  prefix: string;
  portal: string | null;
  createdAt: string;
  expiresAt: string | null;
  overlapUntil: string | null;
  lastUsedAt: string | null;
  replacedBy: string | null;
}
export interface KeyWithSecret extends Key {
  secret: string;
}

/** How long an old key may still work beside its successor, in seconds. */
export const OVERLAPS = [0, 3600, 24 * 3600, 7 * 24 * 3600] as const;

/** Keys that work now. */
export const validKeys = async () => (await everything<Key>("/keys", "keys")).filter((one) => one.state === "valid");

/** Portals are told apart by name, whatever the capitals and blanks. */
export const samePortal = (one: string, other: string) => plain(one) === plain(other);
const plain = (name: string) => name.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();

/**
 * Open the page of the interface with a key: a ticket, good once and for a minute, travels behind the `#`, the key in no
 * address. The window is opened first: browsers allow that in a click only.
 */
export async function openInterface(secret: string): Promise<void> {
  const opened = window.open("about:blank", "_blank");
  try {
    const { path } = await post<{ path: string }>("/key-tickets", { key: secret });
    if (!opened) {
      location.assign(path);
      return;
    }
    opened.opener = null;
    opened.location.replace(new URL(path, location.href));
  } catch (error) {
    opened?.close();
    failed(error);
  }
}
