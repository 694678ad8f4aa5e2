// What this browser remembers of the calendar: no data of the practice, only how somebody likes to look at it.
const KEPT = "praxisd.calendar";

export interface Kept {
  mode: "day" | "week";
  shape: "grid" | "list";
  /** Ids of columns that are not shown. */
  hidden: string[];
  cancelled: boolean;
  /** Pixels of a minute; null: as what is drawn needs it. */
  scale: number | null;
}
export const SCALES = [1, 1.5, 2, 3, 4];
const FIRST: Kept = { mode: "day", shape: "grid", hidden: [], cancelled: false, scale: null };
const READABLE_PX = 15;

/** The smallest scale, from the usual one on, in which nearly all of these lengths (minutes) take a line of text. */
export function scaleFor(lengths: number[]): number {
  const short = [...lengths].sort((a, b) => a - b)[Math.floor(lengths.length / 10)] ?? 30;
  return SCALES.slice(1).find((one) => one * short >= READABLE_PX) ?? SCALES.at(-1)!;
}

/** What was remembered, as far as it still makes sense. */
export function recall(): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Kept>;
    return {
      mode: found.mode === "week" ? "week" : "day",
      shape: found.shape === "list" ? "list" : "grid",
      hidden: Array.isArray(found.hidden) ? found.hidden.filter((one) => typeof one === "string") : [],
      cancelled: found.cancelled === true,
      scale: SCALES.includes(found.scale ?? 0) ? found.scale! : null,
    };
  } catch {
    return { ...FIRST };
  }
}

export function remember(now: Kept): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(now));
  } catch {
    // a browser that keeps nothing asks again next time
  }
}
