// What people type into one field, understood: times of day and dates the way they write them.

/** `8` `830` `8.30` `8:30` → `08:30`; `24` is the end of the day; anything else null. */
export function typedClock(text: string): string | null {
  const plain = text.trim().replace(/\s*(uhr|h)$/i, "");
  const found = /^(\d{1,2})(?:[:.,h]?(\d{2}))?$/.exec(plain);
  if (!found) return null;
  const hour = Number(found[1]);
  const minute = Number(found[2] ?? 0);
  if (minute > 59 || hour > 24 || (hour === 24 && minute > 0)) return null;
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

/** Minutes since midnight of `HH:MM`. */
export const clockMinutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

const real = (iso: string) => {
  const at = Date.parse(`${iso}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(iso);
};
const two = (text: string) => text.padStart(2, "0");

/** `17.5.1980` `17/5/1980` `17051980` `1980-05-17`, partly `5.1980` `1980-05` `1980` → ISO; anything else null. */
export function typedDay(text: string): string | null {
  const plain = text.trim().replace(/\s+/g, "");
  const iso = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(plain);
  const whole = /^(\d{1,2})[./-](\d{1,2})[./-](\d{4})$/.exec(plain) ?? /^(\d{2})(\d{2})(\d{4})$/.exec(plain);
  const month = /^(\d{1,2})[./](\d{4})$/.exec(plain);
  let found = "";
  if (iso) found = plain;
  else if (whole) found = `${whole[3]}-${two(whole[2]!)}-${two(whole[1]!)}`;
  else if (month) found = `${month[2]}-${two(month[1]!)}`;
  else return null;
  const full = found.length === 4 ? `${found}-01-01` : found.length === 7 ? `${found}-01` : found;
  return real(full) ? found : null;
}

/** An ISO date, perhaps partial, as it is written in a field: `17.05.1980`, `05.1980`, `1980`; what is no date stays as it is. */
export function writtenDay(iso: string | null): string {
  if (!iso) return "";
  if (!/^\d{4}(-\d\d){0,2}$/.test(iso)) return iso;
  const [year, month, day] = iso.split("-");
  return [day, month, year].filter(Boolean).join(".");
}
