// How the backups stand, followed while the page is there: with each event, and every few seconds while something runs.
import { lang } from "../../lib/i18n.svelte";
import { onChange } from "../../lib/live.svelte";
import { overview, type Overview } from "./backups";

const BUSY_MS = 2_000;
const REST_MS = 20_000;
const WAIT_MS = 15_000;
/** Whose changes may change what is to be done. */
const OURS = /^(backup|run\.|issue\.|setting\.|reset)/;

export class Watch {
  now = $state.raw<Overview | null>(null);
  error = $state.raw<unknown>(null);
  /** Grows with each look: lists beside it are read anew then. */
  round = $state(0);
  #looking = false;
  #again = false;
  #heard = 0;

  async look(background = false): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      this.now = await overview(background, AbortSignal.timeout(WAIT_MS));
      this.error = null;
    } catch (why) {
      if (!this.now || !background) this.error = why;
    } finally {
      this.#looking = false;
      this.#heard = performance.now();
      this.round += 1;
    }
    if (this.#again) {
      this.#again = false;
      await this.look(true);
    }
  }
  /** Is it time to look by ourselves? */
  tick(): void {
    if (document.hidden || this.#looking) return;
    const running = this.now?.running ?? null;
    if (performance.now() - this.#heard > (running ? BUSY_MS : REST_MS)) void this.look(true);
  }
}

/** Follow the state while the component is there. Call while it starts. */
export function followBackups(): Watch {
  const watch = new Watch();
  $effect(() => {
    void lang();
    void watch.look();
  });
  $effect(() => {
    const timer = setInterval(() => watch.tick(), 1_000);
    const stop = onChange("*", (changes) => changes.some((one) => OURS.test(one.type)) && void watch.look(true));
    return () => {
      clearInterval(timer);
      stop();
    };
  });
  return watch;
}
