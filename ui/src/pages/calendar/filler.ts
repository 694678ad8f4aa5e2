// Draws what is in sight at once and the rest in idle moments, column by column: a full day must not freeze the page.
import type { Box, Lane } from "./layout";
import { has, paint, type Scale } from "./painter";

const FEW = 500;
const AROUND_PX = 120;
const AT_ONCE = 3;

// Safari has no idle callbacks.
const idles = "requestIdleCallback" in globalThis;
const later = (call: () => void): number => (idles ? requestIdleCallback(call, { timeout: 400 }) : window.setTimeout(call, 16));
const never = (id: number): void => (idles ? cancelIdleCallback(id) : clearTimeout(id));

export class Filler {
  #idle = 0;

  /** Draw all lanes into their places; `frame` is what scrolls. */
  draw(lanes: Lane[], places: HTMLElement[], frame: HTMLElement, scale: Scale, target: string): void {
    this.stop();
    const total = lanes.reduce((sum, one) => sum + one.boxes.length, 0);
    if (total <= FEW) {
      lanes.forEach((lane, index) => paint(places[index]!, lane.boxes, scale, target));
      return;
    }
    const edge = frame.getBoundingClientRect();
    const inSight = places.map((place) => {
      const { left, right, top } = place.getBoundingClientRect();
      if (right < edge.left || left > edge.right) return null;
      const low = (edge.top - AROUND_PX - top) / scale.pixels + scale.low;
      return [low, low + (edge.height + 2 * AROUND_PX) / scale.pixels] as const;
    });
    lanes.forEach((lane, index) => {
      const span = inSight[index];
      const place = places[index]!;
      const wanted = (box: Box) => (!!span && box.high > span[0] && box.low < span[1]) || box.id === target || has(place, box);
      paint(place, lane.boxes.filter(wanted), scale, target);
    });
    let next = 0;
    const go = () => {
      for (const until = next + AT_ONCE; next < lanes.length && next < until; next++) paint(places[next]!, lanes[next]!.boxes, scale, target);
      this.#idle = next < lanes.length ? later(go) : 0;
    };
    this.#idle = later(go);
  }

  stop(): void {
    if (this.#idle) never(this.#idle);
    this.#idle = 0;
  }
}
