// A person who signs in, as the server shows it.
export interface User {
  id: string;
  version: number;
  login: string;
  name: string;
  role: "owner" | "desk" | "partner";
  active: boolean;
}

export const ROLES = ["owner", "desk", "partner"] as const;
export const LEAST = 12;
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

/** A password for the first sign-in: five groups of four, from the browser's own randomness. */
export function temporary(): string {
  const drawn: string[] = [];
  while (drawn.length < 20) {
    const byte = crypto.getRandomValues(new Uint8Array(1))[0]!;
    if (byte < LETTERS.length * 8) drawn.push(LETTERS[byte % LETTERS.length]!);
  }
  return drawn.join("").replace(/(.{4})(?=.)/g, "$1-");
}
