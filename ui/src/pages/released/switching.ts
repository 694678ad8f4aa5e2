// The switch „in Online-Terminschnittstellen verfügbar“ of a record: on or off, on the state of this moment.
import { ask } from "../../lib/api";
import { confirm } from "../../lib/asking.svelte";
import { t } from "../../lib/i18n.svelte";
import { done, failed } from "../../lib/toasts.svelte";

/** Release or withdraw `path`; throws what the server refuses. */
export async function setReleased(path: string, released: boolean): Promise<void> {
  const { version } = await ask("GET", path);
  await ask("PATCH", path, { released }, { version: version ?? undefined });
}

/** Ask, then release or withdraw `path`; true when it was done. */
export async function switchRelease(path: string, name: string, released: boolean): Promise<boolean> {
  const what = released ? "give" : "take";
  const yes = await confirm({
    title: t(`console.released.${what}_title`, { name }),
    text: t(`console.released.${what}_text`),
    yes: t(`console.released.${what}`),
  });
  if (yes === null) return false;
  try {
    await setReleased(path, released);
    done(t(`console.released.${what}_done`), name);
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}
