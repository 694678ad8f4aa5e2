// Texts of the console: the server's own files, by language; switching keeps the view.
//
// What the shell and the overview say comes at once; the words of all other pages with the first of them that is opened.
const KEPT = "praxisd.language";
export type Lang = "de" | "en";
type Table = Record<string, string>;

let table = $state.raw<Table>({});
const chosen = $state<{ lang: Lang }>({ lang: "de" });
// Beside the state: asking for words must not make anybody follow the language.
let speaking: Lang = "de";
let whole = false;
/** The language whose words are all here. */
let complete = "";
const known = new Map<string, Promise<Table>>();

function read(): Lang {
  try {
    return localStorage.getItem(KEPT) === "en" ? "en" : "de";
  } catch {
    return "de";
  }
}

async function ask(path: string): Promise<Table> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`texts ${answer.status}`);
  return (await answer.json()) as Table;
}

function part(lang: Lang, name: "first" | "pages"): Promise<Table> {
  const path = `/console/texts/${lang}/${name}.json`;
  let found = known.get(path);
  if (!found) {
    found = ask(path);
    known.set(path, found);
    found.catch(() => known.delete(path));
  }
  return found;
}

async function load(lang: Lang): Promise<Table> {
  const [first, pages] = await Promise.all([part(lang, "first"), whole ? part(lang, "pages") : {}]);
  return { ...first, ...pages };
}

/** Load the language this person last used here; German at first. */
export async function begin(): Promise<void> {
  await use(read());
}

/** Switch the language of everything on the screen. */
export async function use(lang: Lang): Promise<void> {
  const all = whole;
  const found = await load(lang);
  if (all !== whole) return use(lang); // a page was opened meanwhile: its words are wanted too
  table = found;
  complete = all ? lang : "";
  chosen.lang = speaking = lang;
  document.documentElement.lang = lang;
  try {
    localStorage.setItem(KEPT, lang);
  } catch {
    // a browser that keeps nothing starts in German again
  }
}

/** Have the words of all pages here; awaited before a page is shown. */
export async function pageWords(): Promise<void> {
  const lang = speaking;
  whole = true;
  try {
    const found = await load(lang);
    if (lang !== speaking || complete === lang) return;
    table = found;
    complete = lang;
  } catch (error) {
    whole = false;
    throw error;
  }
}

/** The language in use. Reading it in a component or effect follows its changes. */
export function lang(): Lang {
  return chosen.lang;
}

/** The text, or nothing; what the first load left out is fetched, and drawn when it is here. */
function find(key: string): string | undefined {
  const text = table[key];
  if (text === undefined && !whole) void pageWords().catch(() => {});
  return text;
}

/** The text of a key with its placeholders filled; the key itself where there is none, nothing while it is on its way. */
export function t(key: string, params: Record<string, string | number> = {}): string {
  const text = find(key);
  if (text === undefined) return complete === speaking ? key : "";
  return text.replace(/\{([a-z][a-z0-9_]*)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}

/** True if there is such a text. */
export function has(key: string): boolean {
  return find(key) !== undefined;
}
