// The lock of one record while it is edited here: held, with somebody else, lost; and what one can do then.
import { Refused } from "./api";
import { ask, look, seat, takeSeat, tellHold, type Hold } from "./seat.svelte";
import { LineLost, type Holder, type LockHeld, type LockLost, type Push, type Reason, type Reply, type Welcome } from "./seatline";
import { may } from "./session.svelte";

/**
 * `asking`: no answer yet; `held`; `other`: somebody else edits it; `free`: not any more; `lost`: it was held here;
 * `alone`: the seat is not there, the version alone decides; `viewer`: this seat only reads; `none`: no seat for this person.
 */
export type State = "none" | "asking" | "held" | "other" | "free" | "lost" | "alone" | "viewer";

const SETTLE_MS = 2_500;

export class RecordLock implements Hold {
  state = $state<State>("asking");
  /** Who edits it. */
  holder = $state.raw<Holder | null>(null);
  /** It is another window of this browser. */
  own = $state(false);
  /** Waiting for it: how many are in front, this one counted; 0: not waiting. */
  waiting = $state(0);
  /** Asked the holder to finish; what was answered. */
  asked = $state(false);
  reply = $state<Reply | "">("");
  /** Whoever edits it cannot be asked: the connection is lost. */
  away = $state(false);
  /** Somebody asks to edit it. */
  wish = $state.raw<Holder | null>(null);
  lost = $state.raw<LockLost | null>(null);
  busy = $state(false);
  fence: number | null = null;
  #closed = false;
  #ends: (() => void)[] = [];

  /** `gained`: the lock came later than at once; what the server holds may be another state than what is shown. */
  constructor(
    readonly record: string,
    private readonly gained: () => Promise<void>,
  ) {}

  /** Edit begins; returns what ends it. Call inside an effect. */
  begin(): () => void {
    if (!may("seats.lock.hold")) {
      this.state = "none";
      return () => {};
    }
    takeSeat();
    this.#ends = [tellHold(this), look(this.record)];
    if (seat.state === "here") void this.take("lock");
    // Not there yet: `back` asks as soon as it is; so long nobody waits with typing.
    const timer = setTimeout(() => this.state === "asking" && (this.state = "alone"), SETTLE_MS);
    return () => {
      clearTimeout(timer);
      this.#end();
    };
  }

  #end(): void {
    this.#closed = true;
    if (this.waiting) void this.#leave().catch(() => {});
    if (this.fence !== null) void ask("release", { record: this.record, fence: this.fence }).catch(() => {});
    this.fence = null;
    for (const end of this.#ends) end();
  }

  /** Wait no longer, and give back what was granted in the same moment: nobody here would. */
  async #leave(): Promise<void> {
    const { lock } = await ask<{ lock?: LockHeld }>("unwait", { record: this.record });
    if (lock && this.fence === null) await ask("release", { record: this.record, fence: lock.fence });
  }

  /** May what was typed be sent now? Where the lock is gone, it is asked for once more. */
  async ready(): Promise<boolean> {
    if (this.state === "lost" || this.state === "free") await this.take("lock");
    return this.sendable;
  }
  get sendable(): boolean {
    return this.state === "none" || this.state === "held" || this.state === "alone" || this.state === "asking";
  }
  /** The form takes nothing in: somebody else edits it, and nothing was begun here. */
  get shut(): boolean {
    return this.state === "other" || this.state === "free" || this.state === "viewer";
  }

  /** Ask for the lock, wait for it, or take it over. */
  async take(how: "lock" | "wait" | Reason): Promise<void> {
    const before = this.state;
    this.busy = true;
    try {
      const body = { record: this.record, ...(how === "wait" && { wait: true }), ...(how !== "wait" && how !== "lock" && { reason: how }) };
      const found = await ask<{ lock?: LockHeld; waiting?: number }>(how === "wait" || how === "lock" ? "lock" : "take", body);
      if (found.lock) await this.#have(found.lock, before);
      else this.waiting = found.waiting ?? 1;
    } catch (why) {
      this.refused(why);
    } finally {
      this.busy = false;
    }
  }

  async #have(lock: { fence: number }, before: State): Promise<void> {
    if (this.#closed) {
      void ask("release", { record: this.record, fence: lock.fence }).catch(() => {});
      return;
    }
    this.fence = lock.fence;
    this.state = "held";
    this.waiting = 0;
    this.holder = this.lost = null;
    this.asked = this.away = false;
    this.reply = "";
    if (before !== "asking" && before !== "held") await this.gained();
  }

  /** A question or a save was refused. True: it was because of the lock, and what there is to say is said here. */
  refused(why: unknown): boolean {
    if (why instanceof LineLost) {
      this.gone();
      return false;
    }
    if (!(why instanceof Refused)) return false;
    if (why.code === "seats.locked") {
      const told = why.params as unknown as { holder?: Holder; own?: boolean };
      this.#other(told.holder ?? null, told.own ?? false);
      if (!told.holder) void this.#who();
      return true;
    }
    if (why.code === "seats.lock_lost") {
      this.fence = null;
      if (seat.state === "here") this.state = "lost";
      else this.state = "alone"; // the next save goes by its version alone
      return true;
    }
    if (why.code === "seats.holder_away") this.away = true;
    else if (why.code === "seats.not_held") void this.take("lock"); // it is free by now
    else if (why.code === "seats.viewer") this.state = "viewer";
    else if (why.code === "seats.unknown_kind") this.state = "none";
    else this.state = "alone";
    return why.code === "seats.viewer";
  }

  #other(holder: Holder | null, own: boolean): void {
    this.fence = null;
    this.state = this.state === "held" || this.state === "lost" ? "lost" : "other";
    this.holder = holder;
    this.own = own;
  }
  async #who(): Promise<void> {
    const found = await ask<{ records: Record<string, { holder?: Holder }> }>("who", { records: [this.record] }).catch(() => null);
    this.holder = found?.records[this.record]?.holder ?? this.holder;
  }

  /** Ask who edits it to finish. */
  async askHolder(): Promise<void> {
    this.busy = true;
    this.reply = "";
    this.away = false;
    await ask("ask", { record: this.record }).then(
      () => (this.asked = true),
      (why: unknown) => this.refused(why),
    );
    this.busy = false;
  }
  /** Answer who asked. */
  async say(answer: Reply): Promise<void> {
    const wish = this.wish;
    this.wish = null;
    if (wish) await ask("reply", { record: this.record, session: wish.session, answer }).catch(() => {});
  }
  async unwait(): Promise<void> {
    this.waiting = 0;
    await ask("unwait", { record: this.record }).catch(() => {});
  }

  back(welcome: Welcome): void {
    const mine = welcome.locks?.find((one) => one.record === this.record);
    const gone = welcome.lost?.find((one) => one.record === this.record);
    if (mine) void this.#have(mine, this.state === "alone" ? "held" : this.state);
    else if (gone) this.#lose(gone);
    else if (welcome.seat.viewer) this.state = "viewer";
    else if (this.waiting) void this.take("wait");
    else if (this.state !== "other" && this.state !== "lost" && this.state !== "free") void this.take("lock");
  }
  gone(): void {
    if (this.state === "held" || this.state === "asking") this.state = "alone";
  }
  #lose(lost: LockLost): void {
    this.fence = null;
    this.lost = lost;
    this.holder = lost.by ?? null;
    this.wish = null;
    this.state = "lost";
  }

  heard(push: Push): void {
    if (push.type === "granted") void this.#have(push, this.state);
    else if (push.type === "lost" && (this.fence === null || push.fence === this.fence)) this.#lose(push);
    else if (push.type === "asked") this.wish = push.by;
    else if (push.type === "replied") this.reply = push.answer;
    else if (push.type === "presence" && (this.state === "other" || this.state === "lost" || this.state === "free")) {
      if (push.holder) this.holder = push.holder;
      else if (!this.waiting && this.state === "other") this.state = "free";
      if (!push.holder) this.holder = null;
      else if (this.state === "free") this.state = "other";
    }
  }
}
