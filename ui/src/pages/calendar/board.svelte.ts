// The state of the calendar page: which days, which columns, what the server said of them, what is open on top.
import { tick } from "svelte";
import { today, plusDays } from "../../lib/format";
import { place, stay } from "../../lib/router.svelte";
import { may, session } from "../../lib/session.svelte";
import { failed } from "../../lib/toasts.svelte";
import { daysOf, view, type Appointment, type Column, type Person, type Reservation, type Single, type View } from "./data";
import { recall, remember, scaleFor, SCALES } from "./kept";
import { colors } from "./look";
import { between, datesOf, dateOf, monday, rfc, wallOf } from "./when";

/** What the dialogs on top of the calendar are about. */
export type Open =
  | { kind: "appointment"; id: string; move?: boolean }
  | { kind: "booking"; date: string; minute: number | null; length: number | null; column: string; person?: Person }
  | { kind: "reservation"; id: string }
  | { kind: "reserving"; start: string; end: string; columns: string[] }
  | { kind: "search" };
export interface Shown {
  mode: "day" | "week";
  days: string[];
  view: View;
}

const RETRY_MS = 3000;

export class Board {
  shape = $state<"grid" | "list">("grid");
  hidden = $state<string[]>([]);
  cancelled = $state(false);
  shown = $state.raw<Shown | null>(null);
  error = $state<unknown>(null);
  busy = $state(false);
  open = $state<Open | null>(null);
  /** The box to bring into sight and mark, after a jump. */
  target = $state("");
  #chosen = $state<number | null>(null);
  #needed = $state(0);
  #holds = 0;
  #waiting = false;
  #again = false;
  #loading: AbortController | null = null;
  #retry = 0;

  #kept = $state<"day" | "week">("day");
  #began = today();
  #last: [string, "day" | "week"] | null = null;

  constructor() {
    const kept = recall();
    this.#kept = kept.mode;
    this.shape = kept.shape;
    this.hidden = kept.hidden;
    this.cancelled = kept.cancelled;
    this.#chosen = kept.scale;
  }

  // Day and mode stand in the address (`#/calendar/2026-11-27/week`), and nowhere else.
  get #place(): [string, "day" | "week"] {
    const { page, args } = place.now;
    if (page !== "calendar" && this.#last) return this.#last; // on the way out
    const [date = "", mode] = args;
    const known = /^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(Date.parse(date));
    return (this.#last = [known ? date : this.#began, mode === "day" || mode === "week" ? mode : this.#kept]);
  }
  /** An answer that comes when one has left already must not change the address of another page. */
  #stay(args: [string, string]): void {
    if (place.now.page === "calendar") stay(args);
  }
  get date(): string {
    return this.#place[0];
  }
  set date(next: string) {
    this.#stay([next, this.mode]);
  }
  get mode(): "day" | "week" {
    return this.#place[1];
  }
  set mode(next: "day" | "week") {
    this.#kept = next;
    this.#stay([this.date, next]);
  }

  /** Remember how it is looked at. */
  keep(mode = this.mode): void {
    const { shape, cancelled } = this;
    remember({ mode, shape, cancelled, scale: this.#chosen, hidden: [...this.hidden] });
  }

  get masked(): boolean {
    return session.me?.masked ?? false;
  }
  get mayBook(): boolean {
    return may("calendar.appointment.book") && !this.masked;
  }
  get mayChange(): boolean {
    return may("calendar.appointment.change") && !this.masked;
  }
  get mayReserve(): boolean {
    return may("calendar.reservation.write") && !this.masked;
  }
  get mayIgnoreHours(): boolean {
    return may("calendar.hours.ignore");
  }

  /** One day of the week, by itself. */
  show(date: string): void {
    this.#kept = "day";
    this.keep("day");
    this.#stay([date, "day"]);
  }

  /** The first and the number of days of what one looks at now. */
  get period(): { first: string; count: number } {
    return this.mode === "day" ? { first: this.date, count: 1 } : { first: monday(this.date), count: 7 };
  }

  step(forward: boolean): void {
    this.date = plusDays(this.date, (this.mode === "week" ? 7 : 1) * (forward ? 1 : -1));
  }

  /** Pixels of a minute: as chosen, else as the shortest appointments seen so far need it. */
  get scale(): number {
    return this.#chosen ?? (this.#needed || scaleFor([]));
  }
  bigger(more: boolean): void {
    const at = SCALES.indexOf(this.scale) + (more ? 1 : -1);
    this.#chosen = SCALES[at] ?? this.scale;
  }
  #show(next: Shown): void {
    this.#needed = Math.max(this.#needed, scaleFor(next.view.appointments.map((one) => between(wallOf(one.start), wallOf(one.end)))));
    this.shown = next;
  }

  /** Ask the server. `quiet`: after a change elsewhere; what is on the screen stays until the answer is here. */
  async load(quiet = false): Promise<void> {
    if (quiet && this.#holds > 0) {
      this.#waiting = true;
      return;
    }
    if (quiet && this.#loading) {
      this.#again = true; // one question at a time, and one more for what happened meanwhile
      return;
    }
    clearTimeout(this.#retry);
    this.#loading?.abort();
    const control = (this.#loading = new AbortController());
    const { first, count } = this.period;
    const mode = this.mode;
    this.busy = !quiet;
    try {
      const asked = { signal: control.signal, background: quiet };
      const found = await view(rfc(`${first}T00:00`), rfc(`${plusDays(first, count)}T00:00`), this.cancelled, asked);
      if (control.signal.aborted) return;
      if (this.#holds > 0) this.#waiting = true;
      else this.#show({ mode, days: daysOf(found, first, count), view: found });
      this.error = null;
    } catch (error) {
      if (control.signal.aborted) return;
      if (!quiet || !this.shown) this.error = error;
      else this.#retry = window.setTimeout(() => void this.load(true), RETRY_MS); // what is shown is old until then
    } finally {
      if (this.#loading === control) {
        this.#loading = null;
        this.busy = false;
      }
    }
    if (this.#again) {
      this.#again = false;
      await this.load(true);
    }
  }

  /** Ask no more; the page is left. */
  stop(): void {
    clearTimeout(this.#retry);
    this.#loading?.abort();
  }

  /** Let nothing change under somebody's hand until the returned function is called. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (this.#holds === 0 && this.#waiting) {
        this.#waiting = false;
        void this.load(true);
      }
    };
  }

  appointment(id: string): Appointment | undefined {
    return this.shown?.view.appointments.find((one) => one.id === id);
  }
  reservation(id: string): Reservation | undefined {
    return this.shown?.view.reservations.find((one) => one.id === id);
  }
  column(id: string): Column | undefined {
    return this.shown?.view.schedules.find((one) => one.id === id);
  }
  columnNames(ids: string[]): string {
    return ids.map((id) => this.column(id)?.name ?? id).join(", ");
  }
  kindName(id: string | null): string {
    return this.shown?.view.services.find((one) => one.id === id)?.name ?? "";
  }
  get colors(): Map<string, string> {
    return colors(this.shown?.view.services ?? []);
  }
  /** When what had the focus is gone, go on where one was: the days, else the page's title. */
  async rescue(): Promise<void> {
    await tick();
    if (document.activeElement && document.activeElement !== document.body) return;
    (document.querySelector<HTMLElement>("[data-rescue]") ?? document.querySelector<HTMLElement>("[data-page-title]"))?.focus();
  }
  /** Say what went wrong. */
  readonly fail = failed;
  /** Columns in use, hidden ones too. */
  get columns(): Column[] {
    const shown = this.shown?.view;
    if (!shown) return [];
    const used = new Set([...shown.appointments, ...shown.reservations].flatMap((one) => one.schedules));
    return shown.schedules.filter((one) => one.active || used.has(one.id));
  }
  get visible(): Column[] {
    return this.columns.filter((one) => !this.hidden.includes(one.id));
  }

  /** Put one appointment or reservation as it now is, before the whole is asked for again. */
  put(what: "appointments" | "reservations", id: string, changed: Partial<Appointment> | Partial<Reservation> | null): void {
    const shown = this.shown;
    if (!shown) return;
    const list = shown.view[what] as (Appointment | Reservation)[];
    const next = changed ? list.map((one) => (one.id === id ? { ...one, ...changed } : one)) : list.filter((one) => one.id !== id);
    this.shown = { ...shown, view: { ...shown.view, [what]: next } };
  }

  /** Put an appointment as the server answered it. */
  settle(one: Single): void {
    const shown = this.shown;
    if (!shown) return;
    const { patient, patientName, createdAt: _made, updatedAt: _changed, ...rest } = one;
    const kept = { note: undefined, cancelReason: undefined, ...rest };
    if (this.appointment(one.id)) this.put("appointments", one.id, one.status === "cancelled" && !this.cancelled ? null : kept);
    else if (datesOf(one.start, one.end).some((date) => shown.days.includes(date))) {
      const drawn: Appointment = { ...kept, patient: patient ? { id: patient, name: patientName ?? null } : null };
      this.shown = { ...shown, view: { ...shown.view, appointments: [...shown.view.appointments, drawn] } };
    }
  }

  /** Show the day of an appointment, and mark it. */
  jump(one: { id: string; start: string; schedules: string[] }): void {
    const known = new Set(this.columns.map((column) => column.id));
    const there = one.schedules.filter((id) => known.has(id));
    if (there.length && there.every((id) => this.hidden.includes(id))) {
      this.hidden = this.hidden.filter((id) => !there.includes(id));
      this.keep();
    }
    this.date = dateOf(one.start);
    this.target = one.id;
  }
}
