// Short words at the edge of the screen: done, or refused with cause and way out.
import { Refused, Unreached } from "./api";
import { t } from "./i18n.svelte";

export interface Toast {
  id: number;
  kind: "good" | "bad" | "info";
  title: string;
  text: string;
  action?: { label: string; call: () => void };
}

export const toasts = $state<{ list: Toast[] }>({ list: [] });
let last = 0;
const STAY_MS = 6000;

/** Show a toast; bad ones stay until they are closed. Returns its number. */
export function toast(kind: Toast["kind"], title: string, text = "", action?: Toast["action"]): number {
  const id = ++last;
  toasts.list.push({ id, kind, title, text, action });
  if (kind !== "bad") setTimeout(() => close(id), STAY_MS);
  return id;
}

export function close(id: number): void {
  toasts.list = toasts.list.filter((one) => one.id !== id);
}

export const done = (title: string, text = "", action?: Toast["action"]) => toast("good", title, text, action);

/** What went wrong as title and text, for toasts and error boxes. */
export function words(error: unknown): { title: string; text: string } {
  if (error instanceof Refused) {
    return { title: error.title, text: [error.cause_, error.solution].filter(Boolean).join(" ") || error.detail };
  }
  if (error instanceof Unreached) return { title: t("console.unreached"), text: t("console.unreached_help") };
  return { title: t("console.failed"), text: error instanceof Error ? error.message : String(error) };
}

/** Show why something failed. */
export function failed(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const { title, text } = words(error);
  toast("bad", title, text);
}
