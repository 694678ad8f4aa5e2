// Jobs in the order in which they should run: who needs what another one did comes after it.
import type { Job } from "../../lib/jobs";

export interface Step {
  job: Job;
  /** 1 for what begins, 2 for what needs that …; 0 for a job that stands alone. */
  step: number;
}

const before = (job: Job) => new Set([...job.follows, ...(job.plan.type === "after" ? [job.plan.job] : [])]);

const when = (job: Job) => (job.nextAt ? Date.parse(job.nextAt) : Infinity);

/** Jobs that belong together, each group in its order; groups of several first. Otherwise as they came. */
export function inOrder(jobs: Job[]): Step[][] {
  const known = new Map(jobs.map((one) => [one.name, one]));
  const depth = new Map<string, number>();
  const group = new Map(jobs.map((one) => [one.name, one.name]));
  const rootOf = (name: string): string => (group.get(name) === name ? name : rootOf(group.get(name)!));

  function deep(job: Job, seen: ReadonlySet<string>): number {
    const found = depth.get(job.name);
    if (found !== undefined) return found;
    const earlier = [...before(job)].flatMap((name) => (known.has(name) && !seen.has(name) ? [known.get(name)!] : []));
    const own = 1 + Math.max(0, ...earlier.map((one) => deep(one, new Set([...seen, job.name]))));
    depth.set(job.name, own);
    return own;
  }
  for (const job of jobs) {
    deep(job, new Set([job.name]));
    for (const name of before(job)) if (known.has(name)) group.set(rootOf(name), rootOf(job.name));
  }
  const groups = new Map<string, Job[]>();
  for (const job of jobs) groups.set(rootOf(job.name), [...(groups.get(rootOf(job.name)) ?? []), job]);
  const steps = [...groups.values()].map((all) =>
    all
      .map((job) => ({ job, step: all.length > 1 ? depth.get(job.name)! : 0 }))
      .sort((one, two) => one.step - two.step || (when(one.job) - when(two.job) || 0)),
  );
  const alone = steps.filter((all) => all.length === 1).flat();
  return [...steps.filter((all) => all.length > 1), ...(alone.length ? [alone] : [])];
}
