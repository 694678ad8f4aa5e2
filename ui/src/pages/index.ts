// Which component draws which page of the console; each is its own file, loaded when it is opened.
import type { Component } from "svelte";
import { pageWords } from "../lib/i18n.svelte";

type Loaded = Promise<{ default: Component }>;
const PAGES = import.meta.glob<{ default: Component }>("./*Page.svelte");

// What they say has come with the first load.
const SPOKEN = ["overview", "account"];

/** `calendar` → `./CalendarPage.svelte`, `api-keys` → `./ApiKeysPage.svelte`. The words of a page come with it. */
export function component(name: string): (() => Loaded) | null {
  const word = name.replace(/(^|-)([a-z])/g, (_whole, _dash, letter: string) => letter.toUpperCase());
  const load = PAGES[`./${word}Page.svelte`];
  if (!load) return null;
  return SPOKEN.includes(name) ? load : () => Promise.all([load(), pageWords()]).then(([loaded]) => loaded);
}
