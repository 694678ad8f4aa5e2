// Be called instead of asking: sign up, check each signature, end after as many calls as are wanted.
//
//   PORT=8099 node webhook.mjs 1
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { ask } from "./praxis.mjs";

const wanted = Number(process.argv[2] ?? 1);
const seen = new Set();

// --- verify ---
/** True if praxisd sent these bytes, and not long ago. */
function verified(header, body, secret, tolerance = 300) {
  const parts = Object.fromEntries(header.split(",").map((part) => part.split("=")));
  const expected = createHmac("sha256", secret).update(`${parts.t}.`).update(body).digest();
  const given = Buffer.from(parts.v1 ?? "", "hex");
  const same = given.length === expected.length && timingSafeEqual(given, expected);
  return same && Math.abs(Date.now() / 1000 - Number(parts.t)) <= tolerance;
}

// --- receive ---
let hook;
const server = createServer(async (request, response) => {
  const body = await buffer(request);
  if (!verified(String(request.headers["praxisd-signature"]), body, hook.secret)) {
    response.writeHead(401).end();
    console.log("refused");
    return;
  }
  response.writeHead(204).end(); // first answer, then work
  const call = JSON.parse(body);
  if (seen.has(call.id)) return; // the same call may come twice
  seen.add(call.id);
  console.log("verified:", call.type, call.subject.id);
  if (seen.size === wanted) await signOff();
});

// --- sign up ---
await new Promise((ready) => server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", ready));
const url = `http://127.0.0.1:${server.address().port}/`;
// Its secret is shown this once.
hook = (await ask("POST", "/api/v1/webhooks", { name: "JavaScript", url, events: ["appointment.*"] })).answer;
console.log("listening:", url);

async function signOff() {
  console.log("signed off:", (await ask("DELETE", `/api/v1/webhooks/${hook.id}`)).status);
  server.close();
  server.closeIdleConnections();
}
