// Solutions are told as steps, "1. Open … 2. Click …": split where the numbers go on one by one.

/** The steps of a text without their numbers; the whole text as the only one where it has none. */
export function steps(text: string): string[] {
  if (!text.startsWith("1. ")) return [text];
  const found: string[] = [];
  let rest = text.slice(3);
  for (let number = 2; ; number += 1) {
    const at = rest.indexOf(` ${number}. `);
    if (at < 0) return [...found, rest];
    found.push(rest.slice(0, at));
    rest = rest.slice(at + ` ${number}. `.length);
  }
}
