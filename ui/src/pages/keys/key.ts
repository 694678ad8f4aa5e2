// A key as the server answers it the one time that its secret is in it.
export interface KeyWithSecret {
  id: string;
  name: string;
  role: string;
  secret: string;
  expiresAt: string | null;
}

/** How long an old key may still work beside its successor, in seconds. */
export const OVERLAPS = [0, 3600, 24 * 3600, 7 * 24 * 3600] as const;
