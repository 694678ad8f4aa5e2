// Contrast of two colours (WCAG 2.2, 1.4.3): (lighter + 0.05) / (darker + 0.05) of their relative luminances.
function luminance(hex: string): number {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(full.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** What stands on what, and how much contrast it needs: text 4.5, lines and marks of controls 3. */
export const PAIRS: [string, string, number][] = [
  ["ink", "ground", 4.5], ["ink", "surface", 4.5], ["ink", "surface-3", 4.5], ["ink-2", "surface", 4.5], ["ink-2", "surface-3", 4.5],
  ["ink-3", "ground", 4.5], ["ink-3", "surface", 4.5], ["ink-3", "surface-2", 4.5], ["accent", "surface", 4.5], ["accent", "ground", 4.5],
  ["on-accent", "accent", 4.5], ["on-accent", "accent-strong", 4.5], ["ink", "accent-soft", 4.5],
  ["good", "good-soft", 4.5], ["warn", "warn-soft", 4.5], ["bad", "bad-soft", 4.5], ["info", "info-soft", 4.5],
  ["bad", "surface", 4.5], ["ink", "bad-soft", 4.5], ["ink", "warn-soft", 4.5],
  ["line-strong", "surface", 3], ["line-strong", "ground", 3], ["focus", "surface", 3], ["focus", "ground", 3],
];
export const COLORS = [
  "ground", "surface", "surface-2", "surface-3", "line", "line-strong", "ink", "ink-2", "ink-3", "accent", "accent-strong", "accent-soft", "on-accent",
  "good", "good-soft", "warn", "warn-soft", "bad", "bad-soft", "info", "info-soft", "focus",
];
