// The state of the relay, looked at again every few seconds and with each event of it. What is shown never lies longer
// than ten seconds: a state that could not be read anew in that time is called unknown.
import { lang } from "../../lib/i18n.svelte";
import { onChange } from "../../lib/live.svelte";
import { load, type Relay } from "./relay";

const LOOK_MS = 3_000;
const OLD_MS = 8_000;
const WAIT_MS = 6_000;

export class Watch {
  now = $state.raw<Relay | null>(null);
  error = $state.raw<unknown>(null);
  /** The last answer is too old to be believed. */
  old = $state(false);
  #heard = 0;
  #round = 0;
  #looking = false;

  /** Take a state that came as the answer to something done: newer than any look that is still under way. */
  take(found: Relay): void {
    this.#round += 1;
    this.#keep(found);
  }
  #keep(found: Relay): void {
    this.now = found;
    this.error = null;
    this.old = false;
    this.#heard = performance.now();
  }
  async look(background = false): Promise<void> {
    if (this.#looking && background) return;
    this.#looking = true;
    const round = ++this.#round;
    try {
      const found = await load(background, AbortSignal.timeout(WAIT_MS));
      if (round === this.#round) this.#keep(found);
    } catch (why) {
      if (round === this.#round && !this.now) this.error = why;
    } finally {
      this.#looking = false;
    }
  }
  /** Once a second: is the last answer still young enough? */
  age(): void {
    this.old = this.now !== null && performance.now() - this.#heard > OLD_MS;
  }
}

/** Follow the state while the component is there. Call while it starts. */
export function followRelay(): Watch {
  const watch = new Watch();
  $effect(() => {
    void lang();
    void watch.look();
  });
  $effect(() => {
    const again = () => !document.hidden && void watch.look(true);
    const timers = [setInterval(again, LOOK_MS), setInterval(() => watch.age(), 1_000)];
    const stop = onChange("*", (changes) => changes.some((one) => /^(relay\.|setting\.|reset)/.test(one.type)) && again());
    document.addEventListener("visibilitychange", again);
    return () => {
      timers.forEach(clearInterval);
      stop();
      document.removeEventListener("visibilitychange", again);
    };
  });
  return watch;
}
