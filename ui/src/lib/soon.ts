// Parts of the console that come when they are needed. While the server restarts they cannot: they are asked for again until they do.
const FIRST_MS = 500;
const LONGEST_MS = 8000;

/** What `load` brings, however often it has to be asked. A style sheet that did not come either is asked for anew with it. */
export async function soon<T>(load: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 2, LONGEST_MS)) {
    try {
      return await load();
    } catch {
      await new Promise((again) => setTimeout(again, pause));
      for (const sheet of document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]")) {
        if (!sheet.sheet) sheet.replaceWith(sheet.cloneNode());
      }
    }
  }
}
