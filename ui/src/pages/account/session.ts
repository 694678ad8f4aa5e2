// A session as the server lists it.
export interface Session {
  id: string;
  current: boolean;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  device: string;
  address: string | null;
}
