// Which appointments stand in an open conflict, so that the calendar can mark them.
import { onChange } from "../../lib/live.svelte";
import { may, session } from "../../lib/session.svelte";
import { FOLLOWED, open } from "../conflicts/conflict";

/** The conflict of an appointment, by the appointment's id. */
let now = $state.raw<ReadonlyMap<string, string>>(new Map());
export const clashOf = (appointment: string) => now.get(appointment);
export const clashing = () => now;

async function load(): Promise<void> {
  const page = await open(null, { background: true });
  const found = new Map<string, string>();
  for (const one of page.conflicts) {
    for (const side of [one.online, ...one.local]) if (side?.type === "Appointment") found.set(side.id, one.id);
  }
  if (found.size || now.size) now = found;
}

/** Call while a component starts. */
export function followClashes(): void {
  if (!may("calendar.conflict.read") || !session.house?.pages.some((one) => one.name === "conflicts")) return;
  $effect(() => {
    const look = () => void load().catch(() => {}); // a mark that is missing; the page of conflicts says what is wrong
    look();
    return onChange(FOLLOWED, look);
  });
}
