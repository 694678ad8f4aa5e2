// What one does with a job: switch it on or off, start it, end a run; with a question where something stops.
import { post, put } from "../../lib/api";
import { confirm } from "../../lib/asking.svelte";
import { moment } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import type { Job, Run } from "../../lib/jobs";
import { go } from "../../lib/router.svelte";
import { done } from "../../lib/toasts.svelte";

/** The job as it is afterwards, or null if the person thought better of it. */
export async function switchJob(job: Job, on: boolean): Promise<Job | null> {
  if (!on) {
    const sure = await confirm({
      title: t("console.jobs.off_title", { job: job.title }),
      text: t("console.jobs.off_text"),
      yes: t("console.jobs.off"),
      danger: true,
    });
    if (sure === null) return null;
  }
  const saved = await put<Job>(`/jobs/${job.name}`, { enabled: on }, { version: job.version });
  const next = saved.nextAt ? t("console.jobs.next_is", { at: moment(saved.nextAt) }) : "";
  done(t(on ? "console.jobs.is_on" : "console.jobs.is_off", { job: job.title }), [next, ...saved.warnings.map((one) => one.cause)].filter(Boolean).join(" "));
  return saved;
}

/** Start a job now, also one that is switched off. */
export async function startJob(job: Job): Promise<Run> {
  const run = await post<Run>(`/jobs/${job.name}/run`);
  done(t("console.jobs.started", { job: job.title }), "", {
    label: t("console.jobs.watch"),
    call: () => void go("jobs", [job.name, run.id]),
  });
  return run;
}

/** Cancel a run that is not over; false if the person thought better of it. */
export async function cancelRun(job: string, id: string): Promise<boolean> {
  const sure = await confirm({
    title: t("console.jobs.cancel_title"),
    text: t("console.jobs.cancel_text"),
    yes: t("console.jobs.cancel"),
    no: t("console.jobs.cancel_no"),
    danger: true,
  });
  if (sure === null) return false;
  await post(`/jobs/${job}/runs/${id}/cancel`);
  done(t("console.jobs.cancelling"));
  return true;
}
