// Light, dark, or as the computer says.
const KEPT = "praxisd.theme";
export type Theme = "auto" | "light" | "dark";

const chosen = $state<{ theme: Theme }>({ theme: "auto" });
const system = matchMedia("(prefers-color-scheme: dark)");

function show(): void {
  const dark = chosen.theme === "dark" || (chosen.theme === "auto" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Put the kept choice into effect and follow the computer's own. */
export function applyTheme(): void {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept === "light" || kept === "dark") chosen.theme = kept;
  } catch {
    // nothing kept: follow the computer
  }
  system.addEventListener("change", show);
  show();
}

/** The choice in force. */
export function theme(): Theme {
  return chosen.theme;
}

/** Choose, and remember the choice in this browser. */
export function setTheme(next: Theme): void {
  chosen.theme = next;
  try {
    localStorage.setItem(KEPT, next);
  } catch {
    // it holds until the page is closed
  }
  show();
}
