// Find free slots, book, be too late, repeat safely, move, cancel.
//
//   PRAXISD_URL=http://127.0.0.1:8080 PRAXISD_KEY=pxd_… node book.mjs
import { randomUUID } from "node:crypto";
import { ask } from "./praxis.mjs";

const PATIENT = { family: "Muster", given: "Eva", birthDate: "1980-05-17", phone: "+49 30 23125000" };

// --- find ---
/** The free slots of the next days: all pages. */
async function freeSlots(service, days = 28) {
  const now = new Date();
  const until = new Date(now.getTime() + days * 86_400_000);
  const query = new URLSearchParams({ service, from: now.toISOString(), to: until.toISOString() });
  const slots = [];
  for (;;) {
    const { answer } = await ask("GET", `/api/v1/slots?${query}`);
    slots.push(...answer.slots);
    if (answer.next === null) return slots;
    query.set("cursor", answer.next);
  }
}

// --- book ---
/** Book this slot. The same key again means the same booking: repeat it after a lost connection. */
function book({ service, start, schedules }, key) {
  const wanted = { service, start, schedules, patient: PATIENT };
  return ask("POST", "/api/v1/appointments", wanted, { "Idempotency-Key": key });
}

// --- conflict ---
/** Book the first slot that nobody else was faster to take. */
async function bookOneOf(slots) {
  for (const slot of slots) {
    const { status, answer } = await book(slot, randomUUID());
    if (status === 201) return answer;
    if (answer.code !== "calendar.slot_taken") throw new Error(`${status} ${answer.code}: ${answer.title}`);
    console.log("taken, the next one:", answer.code);
  }
  throw new Error("nothing is free");
}

// --- walk ---
const types = (await ask("GET", "/api/v1/healthcare-services")).answer.healthcareServices;
const slots = await freeSlots(types[0].id);
console.log("free slots:", slots.length);

const key = randomUUID();
const { status, answer: first } = await book(slots[0], key);
console.log("booked:", status, first.status);
const again = await book(slots[0], key);
console.log("repeated:", again.status, again.answer.id === first.id, again.headers.get("Idempotent-Replayed"));

const second = await bookOneOf(slots); // the first of them is ours by now
console.log("booked:", second.status, Date.parse(second.start) > Date.parse(first.start));

// --- move ---
const later = (await freeSlots(first.service)).at(-1);
const moved = await ask(
  "PATCH",
  `/api/v1/appointments/${first.id}`,
  { start: later.start, schedules: later.schedules },
  { "If-Match": `W/"${first.version}"`, "Idempotency-Key": randomUUID() },
);
console.log("moved:", moved.status, moved.answer.id === first.id, moved.answer.start === later.start);

// --- cancel ---
for (const one of [first, second]) {
  const gone = await ask("POST", `/api/v1/appointments/${one.id}/cancel`, {});
  console.log("cancelled:", gone.status, gone.answer.status);
}
