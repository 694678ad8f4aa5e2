// Lines of the log as text: what is shown is what is searched.
export interface Line {
  number: number;
  at: string;
  level: "debug" | "info" | "warning" | "error";
  event: string;
  detail: Record<string, unknown>;
}

/** `route=jobs.list status=200` */
export function detailOf(one: Line): string {
  return Object.entries(one.detail)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join("  ");
}

export const textOf = (one: Line) => `${one.at} ${one.level} ${one.event} ${detailOf(one)}`;
