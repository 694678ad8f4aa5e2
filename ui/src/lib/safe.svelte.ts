// Safe mode: which pages are there, and the way back to normal.
import { post } from "./api";
import { confirm } from "./asking.svelte";
import { expectStart } from "./away.svelte";
import { t } from "./i18n.svelte";
import { place, unsaved } from "./router.svelte";
import { may, session } from "./session.svelte";
import { done, failed, toast } from "./toasts.svelte";

const PAGES: ReadonlySet<string> = new Set(["overview", "updates", "issues", "help", "log", "account", "support", "backups"]);
/** The page on which something unsaved was open when safe mode began: it stays as it is until it is left. */
const kept = $state({ page: "" });

/** Is this page there? */
export function rests(page: string): boolean {
  return !!session.guard?.safe && !PAGES.has(page) && page !== kept.page;
}

/** Note what is open when safe mode begins or ends. Call inside an effect. */
export function followSafe(): void {
  if (session.guard?.safe) kept.page = unsaved() ? place.now.page : "";
}

/** The page that is open only because of what was typed there. */
export const keptOpen = (): boolean => !!session.guard?.safe && kept.page !== "" && kept.page === place.now.page;

export const mayRestart = () => may("kernel.guard.write");

/** End safe mode, after a yes: the server is started as usual. */
export async function tryAgain(): Promise<void> {
  const answer = await confirm({ title: t("console.safe.try_title"), text: t("console.safe.try_ask"), yes: t("console.safe.try") });
  if (answer === null) return;
  try {
    const started = session.guard?.start?.at ?? null;
    await post("/guard/try-again");
    await expectStart("try_again", started);
  } catch (why) {
    failed(why);
    return;
  }
  if (session.guard?.safe) toast("bad", t("console.safe.still"), t("console.safe.still_text"));
  else done(t("console.guard.updated", { version: session.house?.version ?? "" }));
}
