// Draws the boxes of a column as plain elements and touches only those that changed: thousands cost no components.
import type { Box } from "./layout";
import { clock, DAY } from "./when";

interface Drawn {
  node: HTMLElement;
  sign: string;
}
export interface Scale {
  low: number;
  /** Pixels of a minute. */
  pixels: number;
}
const kept = new WeakMap<HTMLElement, Map<string, Drawn>>();
/** Is the box drawn there already? */
export const has = (place: HTMLElement, box: Box) => kept.get(place)?.has(box.key) ?? false;

const LEAST_PX = 3;
const TEXT_PX = 13;
const TWO_LINES_PX = 34;

/** Make `place` hold exactly these boxes, in this order. Nodes that stay keep focus and identity. */
export function paint(place: HTMLElement, boxes: Box[], scale: Scale, target: string): void {
  const before = kept.get(place) ?? new Map<string, Drawn>();
  const after = new Map<string, Drawn>();
  const wanted = new Set(boxes.map((one) => one.key));
  for (const [key, one] of before) {
    if (!wanted.has(key)) one.node.remove();
  }
  let next = place.firstChild;
  for (const box of boxes) {
    const one = before.get(box.key) ?? { node: document.createElement("div"), sign: "" };
    const marked = target !== "" && box.id === target;
    const sign = `${box.low} ${box.high} ${box.lane} ${box.lanes} ${scale.low} ${scale.pixels} ${box.status} ${box.color} ${marked} ${box.movable} ${box.grip} ${box.noted} ${box.label}\n${box.name}\n${box.rest}`;
    if (one.sign !== sign) {
      fill(one.node, box, scale, marked);
      one.sign = sign;
    }
    if (one.node === next) next = next.nextSibling;
    else place.insertBefore(one.node, next);
    after.set(box.key, one);
  }
  kept.set(place, after);
}

function fill(node: HTMLElement, box: Box, { low, pixels }: Scale, marked: boolean): void {
  const height = Math.max((box.high - box.low) * pixels - 1, LEAST_PX);
  const { style } = node;
  style.top = `${(box.low - low) * pixels}px`;
  style.height = `${height}px`;
  if (box.lanes > 1) {
    style.left = `${(box.lane / box.lanes) * 100}%`;
    style.width = `calc(${100 / box.lanes}% - 2px)`;
  } else {
    style.left = style.width = "";
  }
  if (box.color) style.setProperty("--hue", box.color);
  if (box.kind === "buffer") {
    node.className = "buffer";
    return;
  }
  const classes = ["box", box.kind];
  if (box.status) classes.push(`st-${box.status}`);
  if (height >= TWO_LINES_PX) classes.push("tall");
  if (box.lanes > 1) classes.push("beside");
  if (box.movable) classes.push("movable");
  if (box.online) classes.push("online");
  if (box.clash) classes.push("clash");
  if (box.noted) classes.push("noted");
  if (box.grip) classes.push("grip");
  if (marked) classes.push("marked");
  node.className = classes.join(" ");
  node.dataset.id = box.id;
  node.dataset.key = box.key;
  node.setAttribute("aria-label", box.label);
  if (box.kind === "busy") {
    node.setAttribute("role", "img");
  } else {
    node.setAttribute("role", "button");
    if (!node.hasAttribute("tabindex")) node.tabIndex = -1;
  }
  if (height < TEXT_PX) {
    node.replaceChildren(); // too flat for words: the name under the pointer, the larger scale or the list says them
    return;
  }
  const name = document.createElement("b");
  name.textContent = box.name;
  const parts: (Node | string)[] = [name];
  if (box.rest) parts.push(` ${box.rest}`);
  node.replaceChildren(...parts);
}

/** Show in these columns where it would stand now. */
export function ghost(layer: HTMLElement, columns: HTMLElement[], low: number, high: number, scale: Scale): void {
  while (layer.childElementCount > columns.length) layer.lastElementChild!.remove();
  while (layer.childElementCount < columns.length) layer.append(document.createElement("div"));
  columns.forEach((column, at) => {
    const node = layer.children[at] as HTMLElement;
    node.className = "ghost";
    node.style.left = `${column.offsetLeft}px`;
    node.style.width = `${column.offsetWidth}px`;
    node.style.top = `${(low - scale.low) * scale.pixels}px`;
    node.style.height = `${(high - low) * scale.pixels}px`;
    node.textContent = `${clock(low)}–${clock(high % DAY || DAY)}`;
  });
}
