// A record while somebody edits it: what was read, what was typed, and what to do when another person saved first.
//
// Only fields that were changed here are sent, so two people who change different fields both keep what they typed.
import { Refused } from "./api";

export interface Read<T> {
  values: T;
  version: number;
}

/** The changed fields, the version they were typed on (undefined: the record is new), and the fence of its lock if it is held. */
export type Send<T> = (changes: Partial<T>, version: number | undefined, fence?: number) => Promise<Read<T> | void>;

/** A field of a form, for the comparison of two states: its label and its value in words. */
export interface Shown<T> {
  key: keyof T;
  label: string;
  show: (value: T) => string;
}

const plain = (value: unknown) => JSON.stringify(value ?? null);

export class Editing<T extends object> {
  draft = $state() as T;
  busy = $state(false);
  error: unknown = $state(null);
  /** What the server holds now, when it refused a save because of it. */
  theirs = $state.raw<Read<T> | null>(null);
  #base = $state.raw() as T;
  #version = $state.raw<number | undefined>(undefined);

  constructor(values: T, version?: number) {
    this.#base = structuredClone(values);
    this.draft = structuredClone(values);
    this.#version = version;
  }

  get isNew(): boolean {
    return this.#version === undefined;
  }
  /** The version that was read; none: the record is new. */
  get version(): number | undefined {
    return this.#version;
  }

  /** The fields that differ from what was read; of a new record all. */
  get changes(): Partial<T> {
    const now = $state.snapshot(this.draft) as T;
    if (this.isNew) return now;
    const keys = (Object.keys(now) as (keyof T)[]).filter((key) => plain(now[key]) !== plain(this.#base[key]));
    return Object.fromEntries(keys.map((key) => [key, now[key]])) as Partial<T>;
  }

  get dirty(): boolean {
    const now = $state.snapshot(this.draft) as T;
    return (Object.keys(now) as (keyof T)[]).some((key) => plain(now[key]) !== plain(this.#base[key]));
  }

  /** Save; true when it is saved. On a refusal everything typed stays. `fresh` reads what the server holds now. */
  async save(send: Send<T>, fresh?: () => Promise<Read<T>>, fence?: number): Promise<boolean> {
    this.busy = true;
    this.error = null;
    this.theirs = null;
    try {
      const saved = await send(this.changes, this.#version, fence);
      if (saved) this.read(saved);
      else this.#base = $state.snapshot(this.draft) as T;
      return true;
    } catch (why) {
      if (fresh && why instanceof Refused && why.code === "resource.stale") this.theirs = await fresh().catch(() => null);
      if (!this.theirs) this.error = why;
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** Take a state of the server as the one that is edited; nothing is dirty then. */
  read(state: Read<T>): void {
    this.#base = structuredClone(state.values);
    this.draft = structuredClone(state.values);
    this.#version = state.version;
    this.theirs = null;
    this.error = null;
  }

  /** The server holds this now: it is what is edited, or where something is typed already, both states are shown. */
  meet(now: Read<T>): void {
    if (now.version === this.#version) return;
    if (this.dirty) this.theirs = now;
    else this.read(now);
  }

  /** Put back what was typed here before; where the record was changed since, both states are shown. */
  restore(changes: Partial<T>, version?: number): void {
    const base = structuredClone(this.#base);
    const known = Object.fromEntries(Object.entries(changes).filter(([name]) => name in base));
    this.draft = { ...base, ...known };
    if (this.#version !== undefined && version !== this.#version && this.dirty) this.theirs = { values: structuredClone(this.#base), version: this.#version };
  }

  /** Back to what was read. */
  undo(): void {
    this.draft = structuredClone(this.#base);
    this.theirs = null;
    this.error = null;
  }

  /** The fields changed here, as they stand here and there; empty without a conflict. */
  differences(fields: Shown<T>[]): { label: string; mine: string; theirs: string }[] {
    const theirs = this.theirs?.values;
    if (!theirs) return [];
    const mine = this.changes;
    return fields
      .filter((one) => one.key in mine)
      .map((one) => ({ label: one.label, mine: one.show(this.draft), theirs: one.show(theirs) }));
  }

  /** Take the other state; what was typed here is gone. */
  takeTheirs(): void {
    if (this.theirs) this.read(this.theirs);
  }

  /** Put the own changes on what the server holds now; the next save counts on that. */
  keepMine(): void {
    if (!this.theirs) return;
    const { values, version } = this.theirs;
    const mine = this.changes;
    this.read({ values, version });
    this.draft = { ...structuredClone(values), ...mine };
  }
}
