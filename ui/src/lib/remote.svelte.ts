// Remote support: the grant that holds now, told to every page at once.
import { get, post } from "./api";
import { confirm } from "./asking.svelte";
import { t } from "./i18n.svelte";
import { onChange } from "./live.svelte";
import { signOut } from "./session.svelte";
import { done, failed } from "./toasts.svelte";

export interface Grant {
  id: string;
  state: "waiting" | "inside" | "over";
  name: string;
  purpose: string;
  grantedBy: string;
  grantedAt: string;
  until: string;
  enteredAt: string | null;
  enteredFrom: string | null;
  endedAt: string | null;
  endedBy: string | null;
}

export const remote = $state<{ grant: Grant | null; mayEnd: boolean; mayGrant: boolean }>({ grant: null, mayEnd: false, mayGrant: false });

/** Ask what holds now. */
export async function look(): Promise<void> {
  const found = await get<typeof remote>("/support/remote/now", { background: true }).catch(() => null);
  if (found) Object.assign(remote, found);
}

/** Look now, with each change, and when the time is over. Call inside an effect. */
export function followRemote(): () => void {
  void look();
  const quiet = onChange("Support", () => void look());
  const timer = window.setInterval(() => {
    if (remote.grant && Date.parse(remote.grant.until) <= Date.now()) void look();
  }, 5000);
  return () => {
    quiet();
    clearInterval(timer);
  };
}

/** End it, or as a guest leave. */
export async function endNow(): Promise<void> {
  const one = remote.grant;
  if (!one) return;
  if (!remote.mayEnd) {
    await signOut().catch(failed);
    return;
  }
  try {
    await post(`/support/remote/${one.id}/end`);
    done(t("console.remote.ended"), one.name);
    await look();
  } catch (why) {
    failed(why);
  }
}

/** Another code, after a yes; null for no. */
export async function renewCode(id: string): Promise<Made | null> {
  const answer = await confirm({ title: t("console.support.remote.renew_ask"), text: t("console.support.remote.renew_text"), yes: t("console.support.remote.renew") });
  return answer === null ? null : await post<Made>(`/support/remote/${id}/code`);
}

/** A grant with its code, the one time it is shown. `outside`: the address leads through the relay. */
export interface Made {
  grant: Grant;
  address: string;
  outside: boolean;
  code: string;
}
