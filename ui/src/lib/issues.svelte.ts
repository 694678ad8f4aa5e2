// Open issues, kept up to date for the bell and the pages that show them.
import { get, post } from "./api";
import { lang } from "./i18n.svelte";
import { onChange } from "./live.svelte";
import { may, session } from "./session.svelte";

export interface Issue {
  code: string;
  severity: "error" | "warning" | "info";
  subject: string;
  title: string;
  cause: string;
  solution: string;
  since: string;
  installation: boolean;
  ignored: boolean;
  ignoreReason: string | null;
}

export const issues = $state<{ list: Issue[]; loaded: boolean }>({ list: [], loaded: false });

/** Fetch them; called by the bell and after each change. */
export async function load(): Promise<void> {
  if (session.state !== "in" || !may("kernel.issues.read")) return;
  issues.list = (await get<{ issues: Issue[] }>("/issues", { background: true })).issues;
  issues.loaded = true;
}

/** Run all checks now. */
export async function check(): Promise<void> {
  issues.list = (await post<{ issues: Issue[] }>("/issues/check")).issues;
}

/** Ignore one, with the reason, or take that back. */
export async function ignore(one: Issue, ignored: boolean, reason = ""): Promise<void> {
  await post(`/issues/${one.code}/ignore`, { subject: one.subject, ignored, reason });
  await load();
}

/** Keep them up to date while the shell is on the screen; call inside an effect. */
export function follow(): () => void {
  void lang();
  load().catch(() => {});
  return onChange("Issue", () => void load().catch(() => {}));
}
