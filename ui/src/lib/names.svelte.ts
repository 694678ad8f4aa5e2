// Names of columns and appointment types by id, and which columns serve a type: asked once, kept up to date.
import { onChange } from "./live.svelte";
import { schedules, services, type HealthcareService } from "./records";
import { may } from "./session.svelte";

export interface NamedColumn {
  id: string;
  name: string;
  active: boolean;
}
export const known = $state<{ columns: NamedColumn[]; kinds: HealthcareService[] }>({ columns: [], kinds: [] });
let asked = false;

async function load(): Promise<void> {
  if (!may("calendar.schedule.read")) return;
  const [columns, kinds] = await Promise.all([schedules().catch(() => []), services().catch(() => [])]);
  known.columns = columns.map(({ id, name, active }) => ({ id, name, active }));
  known.kinds = kinds;
}

/** Call while a component starts: the names come, and stay right. */
export function followNames(): void {
  $effect(() => {
    if (!asked) {
      asked = true;
      void load();
    }
    return onChange(["Schedule", "HealthcareService"], () => void load());
  });
}

export const columnName = (id: string | null | undefined) => (id ? (known.columns.find((one) => one.id === id)?.name ?? "") : "");
export const columnNames = (ids: readonly string[]) => ids.map(columnName).filter(Boolean).join(", ");
export const kindName = (id: string | null | undefined) => (id ? (known.kinds.find((one) => one.id === id)?.name ?? "") : "");
export const kindOf = (id: string | null | undefined) => known.kinds.find((one) => one.id === id);

/** Columns that may serve a type; all of them where no type is chosen. */
export function columnsFor(service: string | null | undefined): NamedColumn[] {
  const kind = kindOf(service);
  const ids = kind ? new Set(kind.groups.flat()) : null;
  return known.columns.filter((one) => one.active && (!ids || ids.has(one.id)));
}
