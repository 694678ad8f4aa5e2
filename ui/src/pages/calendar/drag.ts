// Moving, lengthening and choosing time by mouse, pen and finger. A finger has to rest for a moment first, so that it can scroll.
import type { Box, Lane } from "./layout";
import { ghost, type Scale } from "./painter";
import { DAY } from "./when";

const FAR_PX = 5;
const REST_MS = 380;
const EDGE_PX = 36;
const STEP = 5;

export interface Hooks {
  lanes: () => Lane[];
  scale: () => Scale;
  high: () => number;
  /** Where on the screen the first drawn minute lies. */
  top: () => number;
  place: (lane: number) => HTMLElement;
  columnsOf: (box: Box) => string[];
  mayBook: () => boolean;
  hold: () => () => void;
  moved: (box: Box, from: Lane, to: Lane, minutes: number, release: () => void) => void;
  stretched: (box: Box, lane: Lane, minutes: number, release: () => void) => void;
  chosen: (lane: Lane, low: number, high: number) => void;
}
interface Going {
  what: "move" | "stretch" | "choose";
  box: Box | null;
  from: number;
  /** Minute of the day under the pointer when it went down. */
  grabbed: number;
  pointer: number;
  touch: boolean;
  x: number;
  y: number;
  under: boolean;
  timer: number;
  release: () => void;
  lane: number;
  low: number;
  high: number;
}

/** Watch a scrolling frame with the columns inside `body`; returns how to stop. */
export function dragging(frame: HTMLElement, body: HTMLElement, ghosts: HTMLElement, hooks: Hooks): () => void {
  let going: Going | null = null;
  let x = 0;
  let y = 0;
  let swallow = false;

  const laneAt = (left: number) => {
    const lanes = hooks.lanes();
    for (let index = 0; index < lanes.length; index++) {
      if (left < hooks.place(index).getBoundingClientRect().right) return index;
    }
    return lanes.length - 1;
  };
  const minuteAt = (top: number) => (top - hooks.top()) / hooks.scale().pixels + hooks.scale().low;
  const snap = (minute: number, step = STEP) => Math.round(minute / step) * step;
  const coarse = () => (hooks.scale().pixels >= 3 ? STEP : 15);

  function down(event: PointerEvent): void {
    if (going || !event.isPrimary || event.button !== 0 || !(event.target instanceof Element)) return;
    const touch = event.pointerType === "touch";
    const node = event.target.closest<HTMLElement>(".box");
    const from = laneAt(event.clientX);
    const lane = hooks.lanes()[from];
    const box = node ? (lane?.boxes.find((one) => one.key === node.dataset.key) ?? null) : null;
    if (!lane || (node && !box?.movable)) return;
    if (!node && !(hooks.mayBook() && event.target.closest(".col"))) return;
    const what = !box ? "choose" : box.grip && node && atEnd(node, event.clientY, touch) ? "stretch" : "move";
    const grabbed = minuteAt(event.clientY);
    [x, y] = [event.clientX, event.clientY];
    going = {
      what, box, from, grabbed, touch, pointer: event.pointerId, x, y, under: false, timer: 0, release: () => {},
      lane: from, low: box?.low ?? 0, high: box?.high ?? 0,
    };
    if (touch) going.timer = window.setTimeout(begin, REST_MS);
    else event.preventDefault(); // no text is marked while dragging
    if (node && !touch) node.focus({ preventScroll: true });
  }

  function begin(): void {
    if (!going || going.under) return;
    going.under = true;
    going.release = hooks.hold();
    frame.setPointerCapture(going.pointer);
    frame.classList.add("dragging", going.what);
    if (going.touch) navigator.vibrate?.(15);
    mark(true);
    show();
    requestAnimationFrame(roll);
  }

  function move(event: PointerEvent): void {
    if (!going || event.pointerId !== going.pointer) return;
    [x, y] = [event.clientX, event.clientY];
    if (!going.under) {
      const far = Math.hypot(x - going.x, y - going.y);
      if (going.touch && far > FAR_PX * 2) drop();
      else if (!going.touch && far > FAR_PX) begin();
      return;
    }
    show();
  }

  /** Where it would stand now. */
  function show(): void {
    if (!going) return;
    const { what, box, grabbed } = going;
    const minute = minuteAt(y);
    const limit = hooks.high();
    const { low: first } = hooks.scale();
    if (what === "move" && box) {
      going.lane = laneAt(x);
      const length = box.high - box.low;
      const low = Math.max(first, Math.min(snap(box.low + minute - grabbed), limit - Math.min(length, STEP)));
      [going.low, going.high] = [low, low + length];
    } else if (what === "stretch" && box) {
      going.high = Math.min(DAY, Math.max(box.low + STEP, snap(box.high + minute - grabbed)));
    } else {
      const step = coarse();
      const [a, b] = [Math.min(grabbed, minute), Math.max(grabbed, minute)];
      going.low = Math.max(first, Math.floor(a / step) * step);
      going.high = Math.min(limit, Math.max(Math.ceil(b / step) * step, going.low + step));
    }
    draw();
  }

  function draw(): void {
    if (!going) return;
    const lanes = hooks.lanes();
    const to = lanes[going.lane]!;
    const from = lanes[going.from]!;
    const targets = [going.lane];
    for (const column of going.box ? hooks.columnsOf(going.box) : []) {
      if (column === from.column) continue;
      const index = lanes.findIndex((one) => one.day === to.day && one.column === column);
      if (index >= 0 && index !== going.lane) targets.push(index);
    }
    ghost(ghosts, targets.map(hooks.place), going.low, going.high, hooks.scale());
  }

  /** Scroll on when the pointer stands at an edge. */
  function roll(): void {
    if (!going?.under) return;
    const edge = frame.getBoundingClientRect();
    const speed = (from: number, to: number, at: number) =>
      at < from + EDGE_PX ? Math.max(-12, (at - from - EDGE_PX) / 3) : at > to - EDGE_PX ? Math.min(12, (at - to + EDGE_PX) / 3) : 0;
    const head = frame.querySelector(".corner")?.getBoundingClientRect().bottom ?? edge.top;
    // Only towards the edge: who takes hold of something that stands there does not want to be carried off.
    const towards = (value: number, way: number) => (value * way > 0 ? value : 0);
    const dy = towards(speed(head, edge.bottom, y), y - going.y);
    const dx = going.what === "move" ? towards(speed(edge.left, edge.right, x), x - going.x) : 0;
    if (dx || dy) {
      const before = frame.scrollTop + frame.scrollLeft;
      frame.scrollBy(dx, dy);
      if (frame.scrollTop + frame.scrollLeft !== before) show();
    }
    requestAnimationFrame(roll);
  }

  function mark(on: boolean): void {
    if (!going?.box) return;
    for (const node of body.querySelectorAll(`.box[data-id="${CSS.escape(going.box.id)}"]`)) node.classList.toggle("moving", on);
  }

  /** Give up; nothing happens. */
  function drop(): void {
    if (!going) return;
    clearTimeout(going.timer);
    mark(false);
    if (going.under) frame.classList.remove("dragging", going.what);
    ghosts.replaceChildren();
    going.release();
    going = null;
  }

  function up(event: PointerEvent): void {
    if (!going || event.pointerId !== going.pointer) return;
    if (!going.under) return drop();
    swallow = true;
    setTimeout(() => (swallow = false));
    const { what, box, from, lane, low, high, release } = going;
    const lanes = hooks.lanes();
    going.release = () => {}; // who is told lets go
    drop();
    const there = lanes[lane]!;
    const here = lanes[from]!;
    if (what === "choose") {
      release();
      hooks.chosen(here, low, high);
    } else if (what === "stretch" && box) {
      if (high === box.high) release();
      else hooks.stretched(box, here, high - box.high, release);
    } else if (box) {
      const days = (Date.parse(there.day) - Date.parse(here.day)) / 86_400_000;
      const minutes = low - box.low + days * DAY;
      if (minutes === 0 && there.column === here.column) release();
      else hooks.moved(box, here, there, minutes, release);
    }
  }

  function click(event: MouseEvent): void {
    if (swallow) {
      event.stopPropagation();
      event.preventDefault();
    }
  }
  const key = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !going?.under) return;
    event.preventDefault();
    event.stopPropagation();
    swallow = true; // the button is still down: its click means nothing
    addEventListener("pointerup", () => setTimeout(() => (swallow = false)), { once: true });
    drop();
  };
  const still = (event: TouchEvent) => {
    if (going?.under) event.preventDefault();
  };
  const menu = (event: Event) => {
    if (going?.touch) event.preventDefault();
  };

  frame.addEventListener("pointerdown", down);
  frame.addEventListener("pointermove", move);
  frame.addEventListener("pointerup", up);
  frame.addEventListener("pointercancel", drop);
  frame.addEventListener("click", click, true);
  frame.addEventListener("touchmove", still, { passive: false });
  frame.addEventListener("contextmenu", menu);
  addEventListener("keydown", key, true);
  return () => {
    drop();
    removeEventListener("keydown", key, true);
  };
}

/** Is the lower edge meant? */
function atEnd(node: HTMLElement, y: number, touch: boolean): boolean {
  const { bottom, height } = node.getBoundingClientRect();
  return y > bottom - Math.min(touch ? 16 : 9, height * 0.4);
}

/** The minute of a click on empty time: the beginning of the quarter (or of five minutes, when drawn large). */
export const clicked = (minute: number, pixels: number) => {
  const step = pixels >= 3 ? STEP : 15;
  return Math.floor(minute / step) * step;
};
