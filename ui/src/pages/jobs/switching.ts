// Switching a job on or off, with a question where something stops.
import { put } from "../../lib/api";
import { confirm } from "../../lib/asking.svelte";
import { moment } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import type { Job } from "../../lib/jobs";
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
  done(
    t(on ? "console.jobs.is_on" : "console.jobs.is_off", { job: job.title }),
    saved.nextAt ? t("console.jobs.next_is", { at: moment(saved.nextAt) }) : "",
  );
  return saved;
}
