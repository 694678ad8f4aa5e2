// Copying text, also where the browser's own way is closed (a page over plain http in the practice's network).
import { t } from "./i18n.svelte";
import { done, toast } from "./toasts.svelte";

function byHand(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "out-of-sight";
  (document.querySelector("dialog[open]:last-of-type") ?? document.body).append(field);
  field.select();
  const good = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return good;
}

/** Put text into the clipboard and say so. */
export async function copy(text: string): Promise<void> {
  let good = false;
  try {
    await navigator.clipboard.writeText(text);
    good = true;
  } catch {
    good = byHand(text);
  }
  if (good) done(t("console.copied"));
  else toast("bad", t("console.copy_failed"), t("console.copy_failed_help"));
}

/** Hand text to the browser as a file to save. */
export function saveText(text: string, name: string, type = "text/plain;charset=utf-8"): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
