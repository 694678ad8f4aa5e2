// What a virus scanner has to leave alone for one product.
export interface Folder {
  path: string;
  files: string;
  where: "server" | "client" | "both" | "";
  software: string;
  note: string | null;
  question: string | null;
}
export interface ServiceProgram {
  name: string;
  program: string;
  where: "server" | "client" | "both" | "";
  software: string;
  note: string | null;
  question: string | null;
}
export interface Exclusions {
  exclusions: Folder[];
  services: ServiceProgram[];
}

export const shownPath = (one: Folder) => (one.files ? `${one.path.replace(/\\+$/, "")}\\${one.files}` : one.path);
/** All of it as lines to paste into a scanner. */
export const paths = (all: Exclusions) => [...new Set([...all.exclusions.map(shownPath), ...all.services.map((one) => one.program).filter(Boolean)])].join("\n");
