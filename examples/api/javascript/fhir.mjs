// The same in FHIR R4: search a slot, tell who comes, book, be too late, read, cancel.
//
//   PRAXISD_URL=http://127.0.0.1:8080 PRAXISD_KEY=pxd_… node fhir.mjs
import { ask } from "./praxis.mjs";

const JSON_TYPE = "application/fhir+json";

const fhir = (method, path, body, sent = JSON_TYPE) =>
  ask(method, `/fhir/R4${path}`, body, { Accept: JSON_TYPE, ...(body && { "Content-Type": sent }) });

// --- search ---
const query = new URLSearchParams({ status: "free", start: `ge${new Date().toISOString()}`, _count: "5" });
const bundle = (await fhir("GET", `/Slot?${query}`)).answer;
const slot = bundle.entry[0].resource;
console.log("free slots on the page:", bundle.entry.length);

// --- book ---
const person = { resourceType: "Patient", birthDate: "1984-11-30", name: [{ family: "Feuer", given: ["Fanny"] }] };
const patient = (await fhir("POST", "/Patient", person)).answer;
const appointment = {
  resourceType: "Appointment",
  status: "proposed",
  slot: [{ reference: `Slot/${slot.id}` }],
  start: slot.start,
  end: slot.end,
  participant: [{ actor: { reference: `Patient/${patient.id}` }, status: "accepted" }],
};
const { status, answer: booked } = await fhir("POST", "/Appointment/$book", appointment);
console.log("booked:", status, booked.status);
const refused = await fhir("POST", "/Appointment/$book", appointment);
console.log("taken:", refused.status, refused.answer.issue[0].details.coding[0].code);

// --- cancel ---
const path = `/Appointment/${booked.id}`;
const patch = [{ op: "replace", path: "/status", value: "cancelled" }];
const gone = await fhir("PATCH", path, patch, "application/json-patch+json");
console.log("cancelled:", gone.status, gone.answer.status, (await fhir("GET", path)).answer.status);
