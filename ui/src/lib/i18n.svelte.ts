// Texts of the console: the server's own files, by language; switching keeps the view.
const KEPT = "praxisd.language";
export type Lang = "de" | "en";

let table = $state.raw<Record<string, string>>({});
const chosen = $state<{ lang: Lang }>({ lang: "de" });
const known = new Map<Lang, Record<string, string>>();

function read(): Lang {
  try {
    return localStorage.getItem(KEPT) === "en" ? "en" : "de";
  } catch {
    return "de";
  }
}

async function load(lang: Lang): Promise<Record<string, string>> {
  const found = known.get(lang);
  if (found) return found;
  const answer = await fetch(`/console/texts/${lang}.json`);
  if (!answer.ok) throw new Error(`texts ${answer.status}`);
  const texts = (await answer.json()) as Record<string, string>;
  known.set(lang, texts);
  return texts;
}

/** Load the language this person last used here; German at first. */
export async function begin(): Promise<void> {
  await use(read());
}

/** Switch the language of everything on the screen. */
export async function use(lang: Lang): Promise<void> {
  table = await load(lang);
  chosen.lang = lang;
  document.documentElement.lang = lang;
  try {
    localStorage.setItem(KEPT, lang);
  } catch {
    // a browser that keeps nothing starts in German again
  }
}

/** The language in use. Reading it in a component or effect follows its changes. */
export function lang(): Lang {
  return chosen.lang;
}

/** The text of a key with its placeholders filled; the key itself where the text is missing. */
export function t(key: string, params: Record<string, string | number> = {}): string {
  const text = table[key];
  if (text === undefined) return key;
  return text.replace(/\{([a-z][a-z0-9_]*)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}

/** True if there is such a text. */
export function has(key: string): boolean {
  return table[key] !== undefined;
}
