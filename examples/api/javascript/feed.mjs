// Keep in step: what changed since last time. The cursor is kept in a file.
//
//   node feed.mjs cursor.txt
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { ask } from "./praxis.mjs";

const kept = process.argv[2] ?? "cursor.txt";

// --- feed ---
/** What changed, and the next cursor. Without a cursor: everything first. */
async function changes(cursor) {
  const found = [];
  for (;;) {
    const query = cursor === null ? "" : `?${new URLSearchParams({ since: cursor })}`;
    const { status, answer } = await ask("GET", `/api/v1/appointments${query}`);
    if (status === 410) {
      cursor = null; // calendar.cursor_expired: older than the practice keeps
      continue;
    }
    found.push(...answer.changes);
    cursor = answer.cursor;
    if (!answer.more) return { found, cursor };
  }
}

const { found, cursor } = await changes(existsSync(kept) ? readFileSync(kept, "utf8") : null);
// Put all of it into your own database, then keep the cursor.
for (const one of found) console.log(one.id, one.deleted ? "deleted" : one.status);
writeFileSync(kept, cursor);
