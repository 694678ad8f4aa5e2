// Passwords by number and the recovery key, never the secrets themselves.
import { post } from "../../lib/api";

export interface Keys {
  current: number | null;
  passwords: { no: number; since: string; until: string | null; origin: "made" | "chosen"; media: string[] }[];
  /** `complete`: the printed sheet shows what holds now. */
  recovery: { no: number; since: string; printed: string | null; printedBy: string; complete: boolean } | null;
  /** `behind`: the newest password or key has still to come onto this medium. */
  media: { id: string; label: string; passwords: number[]; recovery: number[]; behind: boolean }[];
}
export type What = "password" | "recovery";
/** Which media have it at once: `code` empty; the others get it when they are next in a drive. */
export const changeKey = (what: What, password: string) =>
  post<{ keys: Keys; reached: { medium: string; label: string; code: string }[] }>("/backups/keys/change", { what, confirmed: true, password });
/** A medium that nothing praxisd knows opens: by what stands on the newest sheet, or the password of that time. */
export const openMedium = (medium: string, secret: string, password: string) => post<Keys>("/backups/keys/open", { medium, secret, confirmed: true, password });
