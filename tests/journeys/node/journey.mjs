// The booking journey with fhir-kit-client (npm). Reads {base, key, now} as JSON from standard input and prints what happened as JSON.
import { text } from "node:stream/consumers";
import { Client } from "fhir-kit-client";

const { base, key, now } = JSON.parse(await text(process.stdin));
const client = new Client({ baseUrl: base, bearerToken: key });

async function freeSlots(schedule) {
  const searchParams = { schedule, status: "free", start: `ge${now}`, _count: 5, _include: "Slot:schedule" };
  return client.search({ resourceType: "Slot", searchParams });
}

async function refused(work) {
  try {
    await work();
  } catch (error) {
    const outcome = error.response?.data;
    return { status: error.response?.status, code: outcome?.issue?.[0]?.details?.coding?.[0]?.code };
  }
  return null;
}

const capability = await client.capabilityStatement();
const schedules = await client.search({ resourceType: "Schedule", searchParams: { active: true } });
const schedule = schedules.entry[0].resource.id;
const first = await freeSlots(schedule);
const second = await client.nextPage({ bundle: first });
const matches = (bundle) => bundle.entry.filter((one) => one.search.mode === "match").map((one) => one.resource);
const slot = matches(first)[0];

const patient = await client.create({
  resourceType: "Patient",
  body: {
    resourceType: "Patient",
    name: [{ use: "official", family: "Knoten", given: ["Nora"] }],
    gender: "female",
    birthDate: "1991-07-03",
  },
});
const wanted = {
  resourceType: "Appointment",
  status: "proposed",
  slot: [{ reference: `Slot/${slot.id}` }],
  start: slot.start,
  end: slot.end,
  participant: [{ actor: { reference: `Patient/${patient.id}`, display: "Nora Knoten" }, status: "accepted" }],
};
const book = () => client.operation({ resourceType: "Appointment", name: "book", method: "POST", input: wanted });
const booked = await book();
const again = await refused(book);
const read = await client.read({ resourceType: "Appointment", id: booked.id });
const mine = await client.search({ resourceType: "Appointment", searchParams: { patient: `Patient/${patient.id}` } });
const taken = await client.read({ resourceType: "Slot", id: slot.id });
const cancelled = await client.patch({
  resourceType: "Appointment",
  id: booked.id,
  jsonPatch: [{ op: "replace", path: "/status", value: "cancelled" }],
});
const freed = await client.read({ resourceType: "Slot", id: slot.id });
const unknown = await refused(() => client.read({ resourceType: "Appointment", id: "nobody" }));

console.log(
  JSON.stringify({
    software: capability.software.name,
    pages: [matches(first).map((one) => one.id), matches(second).map((one) => one.id)],
    included: first.entry.filter((one) => one.search.mode === "include").map((one) => one.resource.id),
    schedule,
    booked: booked.status,
    same: read.id === booked.id && read.start === slot.start && read.end === slot.end,
    again,
    found: matches(mine).map((one) => one.id),
    id: booked.id,
    slots: [slot.status, taken.status, freed.status],
    cancelled: cancelled.status,
    unknown,
  }),
);
