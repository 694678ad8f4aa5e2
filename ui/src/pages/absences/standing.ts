// Appointments that stand in an absence and have to be moved by hand.
import { post } from "../../lib/api";
import { fromWall, localDate, plusDays, today } from "../../lib/format";

export interface Absence {
  id: string;
  version: number;
  schedule: string | null;
  first: string;
  last: string;
  reason: string | null;
  rule?: string | null;
}
export interface Standing {
  id: string;
  date: string;
  start: string;
  end: string;
  patient: string;
  type: string;
  columns: string;
}
type Named = { id: string; name: string };
type View = {
  absences: { id: string; first: string; last: string }[];
  schedules: Named[];
  services: Named[];
  appointments: { id: string; status: string; start: string; end: string; service: string | null; schedules: string[]; patient: { name: string | null } | null }[];
};

/** Days the server draws at once, and how many questions are worth an answer: a year and a half. */
const AT_ONCE = 42;
const QUESTIONS = 14;
const DONE = new Set(["cancelled", "noshow", "proposed"]);

/** Those from today on, in order of time; of an absence that repeats as far ahead as is asked at all. */
export async function standing(absence: Absence, signal?: AbortSignal): Promise<Standing[]> {
  const found = new Map<string, Standing>();
  let from = absence.first < today() ? today() : absence.first;
  const last = absence.rule ? plusDays(from, AT_ONCE * QUESTIONS) : absence.last;
  for (let n = 0; n < QUESTIONS && from <= last; n++) {
    const to = plusDays(from, AT_ONCE - 1) < last ? plusDays(from, AT_ONCE) : plusDays(last, 1);
    const schedules = absence.schedule ? [absence.schedule] : undefined;
    const view = await post<View>("/calendar/view", { from: fromWall(`${from}T00:00`), to: fromWall(`${to}T00:00`), ...(schedules && { schedules }) }, { signal });
    const name = (list: Named[], id: string | null) => list.find((one) => one.id === id)?.name ?? "";
    const times = view.absences.filter((one) => one.id === absence.id);
    for (const one of view.appointments) {
      if (absence.rule && !times.some((each) => each.first <= localDate(one.start) && localDate(one.start) <= each.last)) continue;
      if (DONE.has(one.status) || (absence.schedule && !one.schedules.includes(absence.schedule))) continue;
      found.set(one.id, {
        id: one.id,
        date: localDate(one.start),
        start: one.start,
        end: one.end,
        patient: one.patient?.name ?? "",
        type: name(view.services, one.service),
        columns: one.schedules.map((id) => name(view.schedules, id)).filter(Boolean).join(", "),
      });
    }
    from = to;
  }
  return [...found.values()].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}
