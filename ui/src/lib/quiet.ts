// A window that opens by itself takes the keys that were meant for a field: it waits until nobody is typing.
const TYPING_MS = 15_000;
const LOOK_MS = 400;
let typed = -Infinity;

addEventListener("input", () => (typed = performance.now()), { capture: true });

/** The text field one is in, if any. */
function field(): HTMLInputElement | HTMLTextAreaElement | null {
  const at = document.activeElement;
  if (at instanceof HTMLTextAreaElement) return at;
  return at instanceof HTMLInputElement && !/^(checkbox|radio|button|submit|reset|file|range|color)$/.test(at.type) ? at : null;
}

/** Resolves once no other window is open and nobody has typed for a while into the field they are in. */
export async function quiet(): Promise<void> {
  if (field()?.value) typed = performance.now(); // begun before anybody looked
  while (document.querySelector("dialog[open]") || (field() && performance.now() - typed < TYPING_MS)) {
    await new Promise((go) => setTimeout(go, LOOK_MS));
  }
}
