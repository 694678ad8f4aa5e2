// Something of the server that is looked at again with each event that may change it, and every few seconds.
import { lang } from "../../lib/i18n.svelte";
import { onChange } from "../../lib/live.svelte";
import { LOOK_MS, OURS } from "./seats";

export class Followed<T> {
  now = $state.raw<T | null>(null);
  error = $state.raw<unknown>(null);
  constructor(private readonly read: (background: boolean) => Promise<T>) {}

  async look(background = false): Promise<void> {
    try {
      this.now = await this.read(background);
      this.error = null;
    } catch (why) {
      if (!this.now || !background) this.error = why;
    }
  }
}

/** Follow it while the component is there. Call while it starts. `ours`: the events that matter. */
export function follow<T>(read: (background: boolean) => Promise<T>, ours: RegExp = OURS, every = LOOK_MS): Followed<T> {
  const one = new Followed(read);
  $effect(() => {
    void lang();
    void one.look();
  });
  $effect(() => {
    const timer = setInterval(() => document.hidden || void one.look(true), every);
    const stop = onChange("*", (changes) => changes.some((each) => ours.test(each.type)) && void one.look(true));
    return () => {
      clearInterval(timer);
      stop();
    };
  });
  return one;
}
