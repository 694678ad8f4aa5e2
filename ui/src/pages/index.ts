// Which component draws which page of the console; each is its own file, loaded when it is opened.
import type { Component } from "svelte";

type Loaded = Promise<{ default: Component }>;
const PAGES = import.meta.glob<{ default: Component }>("./*Page.svelte");

/** `calendar` → `./CalendarPage.svelte`, `api-keys` → `./ApiKeysPage.svelte`. */
export function component(name: string): (() => Loaded) | null {
  const word = name.replace(/(^|-)([a-z])/g, (_whole, _dash, letter: string) => letter.toUpperCase());
  return PAGES[`./${word}Page.svelte`] ?? null;
}
