// What people do to appointments and reservations, and how it goes on when the server says no.
//
// Outside the hours the person is asked whether it shall be so all the same; a change made elsewhere meanwhile is
// shown beside the own one, and the person chooses.
import { Refused } from "../../lib/api";
import { confirm } from "../../lib/asking.svelte";
import { moment } from "../../lib/format";
import { t } from "../../lib/i18n.svelte";
import { may } from "../../lib/session.svelte";
import { done, failed } from "../../lib/toasts.svelte";
import { allTheSame, closedThen, differing, refused, spanText, stated, type Row } from "./answers";
import type { Board } from "./board.svelte";
import * as data from "./data";
import { statusWord } from "./look";

/** Two states of the same thing, and who made the other one. */
export interface Clash {
  rows: Row[];
  by: string;
  answer: (mine: boolean) => void;
}
type Stated = Pick<data.Appointment, "start" | "end" | "schedules" | "status" | "service"> & { note?: string | null };

export class Deeds {
  clash = $state.raw<Clash | null>(null);
  readonly #board: Board;

  constructor(board: Board) {
    this.#board = board;
  }

  /**
   * What it was, what somebody else made of it, and what it will be if mine holds: the lines in which they differ.
   * What I did not touch stays as the other has it.
   */
  rows(before: Stated, theirs: Stated, mine: Stated): Row[] {
    const board = this.#board;
    const lines: [string, (one: Stated) => string][] = [
      ["when", (one) => spanText(one.start, one.end)],
      ["columns", (one) => board.columnNames(one.schedules)],
      ["type", (one) => board.kindName(one.service)],
      ["state", (one) => statusWord(one.status)],
      ["note", (one) => one.note ?? ""],
    ];
    return differing(lines, before, theirs, mine);
  }

  /** Who changed it last, and when, as far as the person may know. */
  async by(id: string, subject: string, at = ""): Promise<string> {
    const when = at ? t("console.calendar.changed_at", { at: moment(at) }) : "";
    if (!may("kernel.events.read")) return when;
    try {
      const [last] = await data.history(id, subject, 1);
      return last ? t("console.calendar.changed_by", { who: last.actorName ?? "", at: moment(last.at) }) : when;
    } catch {
      return when;
    }
  }

  #choose(rows: Row[], by: string): Promise<boolean> {
    return new Promise((resolve) => {
      this.clash = {
        rows,
        by,
        answer: (mine) => {
          this.clash = null;
          resolve(mine);
        },
      };
    });
  }

  /** Change or move; null when the person let it be. Throws what the server refused otherwise. */
  async change(one: data.Appointment, wish: data.Wish): Promise<data.Single | null> {
    let { version } = one;
    for (let sent = wish; ; ) {
      try {
        const got = await data.change(one.id, sent, version);
        this.#board.settle(got);
        return got;
      } catch (error) {
        if (closedThen(error) && !sent.outsideHours && this.#board.mayIgnoreHours) {
          if (!(await allTheSame(error))) return null;
          sent = { ...sent, outsideHours: true };
        } else if (error instanceof Refused && error.status === 412) {
          const theirs = await data.single(one.id);
          // What was shown as mine is what is saved, also the end of what was only moved.
          const own = stated(one, wish);
          const touched = wish.start ?? wish.end ?? wish.schedules;
          const full: data.Wish = touched ? { ...wish, start: own.start, end: own.end, schedules: own.schedules } : wish;
          const mine = stated({ ...one, ...theirs, patient: one.patient, note: theirs.note }, full);
          if (!(await this.#choose(this.rows(one, theirs, mine), await this.by(one.id, "Appointment", theirs.updatedAt)))) {
            this.#board.settle(theirs);
            return null;
          }
          version = theirs.version;
          sent = { ...full, ...(sent.outsideHours && { outsideHours: true }) };
        } else throw error;
      }
    }
  }

  /** After a drag: show it there at once, and put it back when it does not become so. */
  async drag(one: data.Appointment, wish: data.Wish, release: () => void): Promise<void> {
    const board = this.#board;
    board.put("appointments", one.id, stated(one, wish));
    try {
      const got = await this.change(one, wish);
      if (got) this.#moved(one, got);
      else if (board.appointment(one.id)?.version === one.version) board.put("appointments", one.id, one);
    } catch (error) {
      if (board.appointment(one.id)?.version === one.version) board.put("appointments", one.id, one);
      refused(board, error, one);
    } finally {
      release();
    }
  }

  /** Say where it is now, with the way back. */
  #moved(before: data.Appointment, now: data.Single): void {
    const back = { start: before.start, end: before.end, schedules: before.schedules };
    const undo = () =>
      void this.change({ ...before, ...now, patient: before.patient }, back).then((got) => got && done(t("console.calendar.undone")), failed);
    done(t("console.calendar.moved"), spanText(now.start, now.end), { label: t("console.calendar.undo"), call: undo });
  }

  /** Change a reservation by a form or a drag; null when the person let it be. */
  async changeReservation(one: data.Reservation, wish: data.ReservationWish): Promise<data.Reservation | null> {
    for (let version = one.version; ; ) {
      try {
        const got = await data.changeReservation(one.id, wish, version);
        this.#board.put("reservations", one.id, got);
        return got;
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 412) throw error;
        await this.#board.load(true);
        const theirs = this.#board.reservation(one.id);
        if (!theirs || theirs.version === version) throw error;
        const rows = this.reservationRows(one, theirs, { ...theirs, ...wish });
        if (!(await this.#choose(rows, await this.by(one.id, "Reservation")))) return null;
        version = theirs.version;
      }
    }
  }

  reservationRows(before: data.Reservation, theirs: data.Reservation, mine: data.Reservation): Row[] {
    const lines: [string, (one: data.Reservation) => string][] = [
      ["title", (one) => one.title ?? ""],
      ["when", (one) => spanText(one.start, one.end)],
      ["columns", (one) => this.#board.columnNames(one.schedules)],
      ["note", (one) => one.note ?? ""],
    ];
    return differing(lines, before, theirs, mine);
  }

  async dragReservation(one: data.Reservation, wish: data.ReservationWish, release: () => void): Promise<void> {
    const board = this.#board;
    board.put("reservations", one.id, wish);
    try {
      const got = await this.changeReservation(one, wish);
      if (got) done(t("console.calendar.reservation_moved"), spanText(got.start, got.end));
      else if (board.reservation(one.id)?.version === one.version) board.put("reservations", one.id, one);
    } catch (error) {
      if (board.reservation(one.id)?.version === one.version) board.put("reservations", one.id, one);
      refused(board, error);
    } finally {
      release();
    }
  }

  /** Ask for the reason and cancel; true when it is cancelled. */
  async cancel(one: data.Appointment, refuse = false): Promise<boolean> {
    const choices = ["patient", "practice", "ill", "mistake"].map((value) => ({ value, label: t(`console.calendar.reason.${value}`) }));
    const reason = await confirm({
      title: t(refuse ? "console.calendar.refuse_title" : "console.calendar.cancel_title"),
      text: spanText(one.start, one.end),
      yes: t(refuse ? "console.calendar.refuse" : "console.calendar.cancel"),
      ...(!refuse && { no: t("console.calendar.cancel_no") }),
      danger: true,
      reason: { label: t("console.reason"), needed: true, choices },
    });
    if (reason === null) return false;
    for (let { version } = one; ; ) {
      try {
        this.#board.settle(await data.cancel(one.id, reason, version));
        done(t(refuse ? "console.calendar.refused" : "console.calendar.cancelled"));
        return true;
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 412) throw error;
        const theirs = await data.single(one.id);
        const rows = this.rows(one, theirs, { ...theirs, status: "cancelled" });
        if (!(await this.#choose(rows, await this.by(one.id, "Appointment", theirs.updatedAt)))) {
          this.#board.settle(theirs);
          return false;
        }
        version = theirs.version;
      }
    }
  }
}
