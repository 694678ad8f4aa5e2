// Which box an arrow key leads to. Pure.
import type { Box, Lane } from "./layout";

const stops = (lane: Lane) => lane.boxes.filter((one) => one.kind === "appointment" || one.kind === "reservation");

/** The next box up, down, left or right (by time), or the first or last of the column. */
export function neighbour(lanes: Lane[], lane: Lane, box: Box, key: string): { lane: Lane; box: Box } | null {
  const here = stops(lane);
  const at = here.indexOf(box);
  const pick = (found: Box | undefined) => (found ? { lane, box: found } : null);
  switch (key) {
    case "ArrowUp":
      return pick(here[at - 1]);
    case "ArrowDown":
      return pick(here[at + 1]);
    case "Home":
      return pick(here[0]);
    case "End":
      return pick(here.at(-1));
    case "ArrowLeft":
    case "ArrowRight": {
      const step = key === "ArrowLeft" ? -1 : 1;
      for (let index = lanes.indexOf(lane) + step; index >= 0 && index < lanes.length; index += step) {
        const beside = stops(lanes[index]!);
        if (!beside.length) continue;
        const nearest = beside.reduce((best, one) => (Math.abs(one.low - box.low) < Math.abs(best.low - box.low) ? one : best));
        return { lane: lanes[index]!, box: nearest };
      }
      return null;
    }
    default:
      return null;
  }
}
