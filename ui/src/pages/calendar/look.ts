// How things look: colours of types, short names of columns, the words of a status.
import { t } from "../../lib/i18n.svelte";
import type { Kind, Status } from "./data";

/** For types without a colour of their own; far enough apart, also for those who see red and green alike. */
const PALETTE = ["#1f77b4", "#d98200", "#2a9d63", "#9a4fb0", "#c23b57", "#0f8b8d", "#7a6a1f", "#5b6abf", "#b5546c", "#4f7f2a"];

export function colors(kinds: Kind[]): Map<string, string> {
  return new Map(kinds.map((one, index) => [one.id, one.color ?? PALETTE[index % PALETTE.length]!]));
}

/** The status in the person's words. */
export const statusWord = (status: Status) => t(`console.calendar.status.${status}`);

export const tone = (status: Status): "plain" | "good" | "warn" | "bad" | "info" =>
  ({ proposed: "warn", pending: "warn", booked: "plain", arrived: "info", fulfilled: "good", noshow: "bad", cancelled: "bad" } as const)[status];

/** Time, columns and patient may no longer change. */
export const frozen = (status: Status) => status === "fulfilled" || status === "noshow" || status === "cancelled";

/** What one may click next, with the word on the button. */
export function steps(status: Status): { to: Status; word: string; main?: boolean }[] {
  const step = (to: Status, word: string, main = false) => ({ to, word: t(`console.calendar.step.${word}`), main });
  switch (status) {
    case "proposed":
    case "pending":
      return [step("booked", "confirm", true)];
    case "booked":
      return [step("arrived", "arrived", true), step("fulfilled", "fulfilled"), step("noshow", "noshow")];
    case "arrived":
      return [step("fulfilled", "fulfilled", true), step("booked", "not_arrived")];
    case "fulfilled":
      return [step("arrived", "not_fulfilled")];
    case "noshow":
      return [step("arrived", "came_after_all", true), step("booked", "back_to_booked")];
    default:
      return [];
  }
}

const TITLES = /^(dr|prof|med|dent|dipl|herr|frau|mr|mrs|ms|zimmer|raum|room)\.?$/i;

/** Short forms for narrow heads (`Dr. Sommer` → `So`, `Zimmer 12` → `12`), each of them once. */
export function shortNames(names: string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    const telling = words.filter((one) => !TITLES.test(one));
    const [first = words[0] ?? "?", ...rest] = telling;
    const tries = /^\d+$/.test(first)
      ? [first]
      : [first.slice(0, 2), first.slice(0, 1) + (rest[0]?.slice(0, 1) ?? ""), first.slice(0, 3), first.slice(0, 4)];
    const numbers = Array.from({ length: 99 }, (_none, n) => `${first.slice(0, 2)}${n + 2}`);
    const found = [...tries, ...numbers].find((one) => one && !taken.has(one)) ?? name;
    taken.add(found);
    return found;
  });
}
