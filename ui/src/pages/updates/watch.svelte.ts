// How updates stand, looked at again with each event, and every second while something is under way.
import { lang } from "../../lib/i18n.svelte";
import { onChange } from "../../lib/live.svelte";
import { load, type Updates } from "../../lib/updates";

const BUSY_MS = 1_000;
const QUIET_MS = 30_000;

export class Watch {
  now = $state.raw<Updates | null>(null);
  error = $state.raw<unknown>(null);
  #round = 0;
  #asked = false;

  /** Fetch it. A look that nobody clicked for is left out while another one is under way. */
  async look(background = true): Promise<void> {
    if (background && this.#asked) return;
    const round = ++this.#round;
    this.#asked = true;
    try {
      const found = await load(background);
      if (round === this.#round) [this.now, this.error] = [found, null];
    } catch (why) {
      if (round === this.#round) this.error = why;
    } finally {
      if (round === this.#round) this.#asked = false;
    }
  }
}

/** Follow it while the component is there. Call while it starts. */
export function followUpdates(): Watch {
  const watch = new Watch();
  const busy = $derived(!!watch.now?.order || !!watch.now?.download);
  $effect(() => {
    void lang();
    void watch.look(false);
  });
  $effect(() => {
    const again = () => !document.hidden && void watch.look();
    const timer = setInterval(again, busy ? BUSY_MS : QUIET_MS);
    document.addEventListener("visibilitychange", again);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", again);
    };
  });
  $effect(() => onChange("*", (changes) => changes.some((one) => /^(update|run|setting|reset)\b/.test(one.type)) && void watch.look()));
  return watch;
}
