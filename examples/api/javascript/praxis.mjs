// What the other examples share: one question to a praxisd, with Node's own fetch (Node 18 or newer).
//
// PRAXISD_URL and PRAXISD_KEY say where it is and who asks.
const url = process.env.PRAXISD_URL.replace(/\/$/, "");
const key = process.env.PRAXISD_KEY;

/** { status, answer, headers }. A refusal is an answer too: its `code` says what to do. */
export async function ask(method, path, body, headers = {}) {
  const sent = { Authorization: `Bearer ${key}`, Accept: "application/json", ...headers };
  if (body !== undefined) sent["Content-Type"] ??= "application/json";
  const got = await fetch(url + path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await got.text();
  return { status: got.status, answer: text ? JSON.parse(text) : null, headers: got.headers };
}
