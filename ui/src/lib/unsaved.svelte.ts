// Text that is not saved yet: nobody leaves it by accident.
import { confirm } from "./asking.svelte";
import { t } from "./i18n.svelte";
import { guardLeaving } from "./router.svelte";

/** Ask whether what was typed may be thrown away. */
export async function mayDiscard(): Promise<boolean> {
  const answer = await confirm({
    title: t("console.leave_title"),
    text: t("console.leave_text"),
    yes: t("console.leave_yes"),
    danger: true,
  });
  return answer !== null;
}

/** Ask before the page is left while `dirty()`. Call while a component starts. */
export function askBeforeLeaving(dirty: () => boolean): void {
  $effect(() => {
    if (!dirty()) return;
    guardLeaving(mayDiscard);
    return () => guardLeaving(null);
  });
}
