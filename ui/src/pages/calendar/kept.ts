// What this browser remembers of the calendar: no data of the practice, only how somebody likes to look at it.
const KEPT = "praxisd.calendar";

export interface Kept {
  mode: "day" | "week";
  shape: "grid" | "list";
  /** Ids of columns that are not shown. */
  hidden: string[];
  cancelled: boolean;
  scale: number;
}
export const SCALES = [1, 1.5, 2, 3, 4];
const FIRST: Kept = { mode: "day", shape: "grid", hidden: [], cancelled: false, scale: 1.5 };

/** What was remembered, as far as it still makes sense. */
export function recall(): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Kept>;
    return {
      mode: found.mode === "week" ? "week" : "day",
      shape: found.shape === "list" ? "list" : "grid",
      hidden: Array.isArray(found.hidden) ? found.hidden.filter((one) => typeof one === "string") : [],
      cancelled: found.cancelled === true,
      scale: SCALES.includes(found.scale ?? 0) ? found.scale! : FIRST.scale,
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
