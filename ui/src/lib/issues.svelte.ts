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
  /** What it means for whoever sits at the desk. */
  hint: string;
  /** The lines to copy for the service partner. */
  information: string;
  /** The click that heals it, where there is one and the person may. */
  fix: { label: string; ask: string | null } | null;
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

/** Heal one with its click; answers whether it is gone, and a word about it. */
export async function fix(one: Issue): Promise<{ healed: boolean; note: string | null; restart: boolean }> {
  const where = one.installation ? { organization: "installation" } : {};
  const answer = await post<{ issues: Issue[]; healed: boolean; note: string | null; restart: boolean }>("/issues/fix", { code: one.code, subject: one.subject, ...where });
  issues.list = answer.issues;
  return answer;
}

/** Keep them up to date while the shell is on the screen; call inside an effect. */
export function follow(): () => void {
  void lang();
  load().catch(() => {});
  return onChange("Issue", () => void load().catch(() => {}));
}
