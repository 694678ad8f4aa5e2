// The readable form of /openapi.json. The key lives in one variable of this page and is sent to this server only.
"use strict";

const TEXTS = {
  de: {
    title: "Schnittstelle der Praxis", key: "Schlüssel", show: "Anzeigen", filter: "Suchen",
    intro: "Geben Sie einen gültigen Schlüssel ein. Er bleibt nur in diesem Fenster und wird nirgends gespeichert.",
    refused: "Der Schlüssel wurde nicht angenommen.", failed: "Der Server antwortet nicht.", loading: "Wird geladen …",
    parameters: "Angaben in der Adresse und im Kopf", name: "Name", place: "Ort", kind: "Form", note: "Bedeutung",
    needed: "nötig", body: "Inhalt", fields: "Felder", answers: "Antworten", status: "Status", meaning: "Bedeutung",
    example: "Beispiel", curl: "Aufruf mit curl", test: "Ausprobieren", send: "Senden",
    warning: "Diese Anfrage ändert Daten der Praxis.", open: "ohne Schlüssel",
  },
  en: {
    title: "Interface of the practice", key: "Key", show: "Show", filter: "Search",
    intro: "Enter a valid key. It stays in this window only and is stored nowhere.",
    refused: "The key was not accepted.", failed: "The server does not answer.", loading: "Loading …",
    parameters: "Parameters of address and headers", name: "Name", place: "Place", kind: "Shape", note: "Meaning",
    needed: "required", body: "Content", fields: "Fields", answers: "Answers", status: "Status", meaning: "Meaning",
    example: "Example", curl: "Call with curl", test: "Try it", send: "Send",
    warning: "This request changes data of the practice.", open: "without a key",
  },
};
const ORDER = ["get", "post", "put", "patch", "delete"];
let lang = (navigator.language || "de").toLowerCase().startsWith("de") ? "de" : "en";
let key = "";
let shown = null;

const $ = (id) => document.getElementById(id);
const t = (name) => TEXTS[lang][name];

function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function translate() {
  document.documentElement.lang = lang;
  document.title = "praxisd: " + t("title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-lang]")) {
    node.setAttribute("aria-pressed", String(node.dataset.lang === lang));
  }
}

function resolve(schema) {
  let found = schema || {};
  while (found.$ref) found = shown.components.schemas[found.$ref.split("/").pop()];
  return found;
}

function shape(schema) {
  const found = resolve(schema);
  const parts = found.anyOf || found.oneOf;
  if (parts) return parts.map(shape).join(" | ");
  if (found.enum) return found.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (found.type === "array") return shape(found.items) + "[]";
  const bounds = [];
  for (const [name, sign] of [["minimum", "≥"], ["maximum", "≤"], ["minLength", "≥"], ["maxLength", "≤"]]) {
    if (found[name] !== undefined && Math.abs(found[name]) < 2 ** 53 - 1) bounds.push(sign + " " + found[name]);
  }
  const name = found.title && found.type === "object" ? found.title : found.format || found.type || "JSON";
  return bounds.length ? name + " (" + bounds.join(", ") + ")" : name;
}

function table(head, rows) {
  const cells = (tag, values) => make("tr", {}, ...values.map((value) => make(tag, {}, value)));
  return make("table", {}, make("thead", {}, cells("th", head)), make("tbody", {}, ...rows.map((r) => cells("td", r))));
}

function fields(schema) {
  const found = resolve(schema);
  const needed = new Set(found.required || []);
  const rows = Object.entries(found.properties || {}).map(([name, one]) =>
    [name + (needed.has(name) ? " (" + t("needed") + ")" : ""), shape(one), resolve(one).description || one.description || ""]);
  return rows.length ? table([t("name"), t("kind"), t("note")], rows) : null;
}

function sample(parameter) {
  const schema = resolve(parameter.schema);
  if (schema.examples) return String(schema.examples[0]);
  if (schema.default !== undefined && schema.default !== null) return String(schema.default);
  return schema.enum ? String(schema.enum[0]) : "";
}

function address(path, parameters, values) {
  let found = path;
  const query = [];
  for (const one of parameters) {
    const value = values.get(one.name) || "";
    if (one.in === "path") found = found.replace("{" + one.name + "}", encodeURIComponent(value || one.name));
    if (one.in === "query" && value) query.push(encodeURIComponent(one.name) + "=" + encodeURIComponent(value));
  }
  return found + (query.length ? "?" + query.join("&") : "");
}

function quoted(text) {
  return "'" + text.replaceAll("'", "'\\''") + "'";
}

function curl(method, url, secured, content) {
  const lines = ["curl -X " + method.toUpperCase() + " " + quoted(location.origin + url)];
  if (secured) lines.push("-H \"Authorization: Bearer $PRAXISD_KEY\"");
  if (content) lines.push("-H 'Content-Type: application/json'", "-d " + quoted(content));
  return lines.join(" \\\n  ");
}

function trial(method, path, operation, content) {
  const parameters = (operation.parameters || []).filter((one) => one.in !== "header");
  const values = new Map(parameters.map((one) => [one.name, one.required ? sample(one) : ""]));
  const secured = operation.security.length > 0;
  const command = make("pre");
  const output = make("pre", { "aria-live": "polite" });
  output.hidden = true;
  const box = make("div", {});
  const area = content === null ? null : make("textarea", { "aria-label": t("body"), spellcheck: "false" });
  const refresh = () => {
    command.textContent = curl(method, address(path, parameters, values), secured, area ? area.value : "");
  };
  for (const one of parameters) {
    const id = "p-" + operation.operationId + "-" + one.name;
    const input = make("input", { id, autocomplete: "off" });
    input.value = values.get(one.name);
    input.addEventListener("input", () => { values.set(one.name, input.value); refresh(); });
    box.append(make("label", { for: id }, one.name), input);
  }
  if (area) {
    area.value = content;
    area.addEventListener("input", refresh);
    box.append(make("label", {}, t("body"), area));
  }
  const send = make("button", { type: "button" }, t("send"));
  send.addEventListener("click", async () => {
    const headers = { "Accept-Language": lang };
    if (secured) headers.Authorization = "Bearer " + key;
    if (area && area.value) headers["Content-Type"] = "application/json";
    output.hidden = false;
    output.textContent = "…";
    try {
      const options = { method: method.toUpperCase(), headers, cache: "no-store" };
      if (area && area.value) options.body = area.value;
      const answer = await fetch(address(path, parameters, values), options);
      const text = await answer.text();
      let pretty = text;
      try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it came */ }
      output.textContent = answer.status + " " + answer.statusText + "\n" + pretty;
    } catch {
      output.textContent = t("failed");
    }
  });
  refresh();
  const warning = method === "get" ? null : make("p", {}, t("warning"));
  return make("section", {}, make("h3", {}, t("curl")), command, make("h3", {}, t("test")), warning, box, send, output);
}

function details(method, path, operation) {
  const parts = [];
  if (operation.description) parts.push(make("p", {}, operation.description));
  if ((operation.parameters || []).length) {
    const rows = operation.parameters.map((one) =>
      [one.name + (one.required ? " (" + t("needed") + ")" : ""), one.in, shape(one.schema), one.description || ""]);
    parts.push(make("h3", {}, t("parameters")), table([t("name"), t("place"), t("kind"), t("note")], rows));
  }
  let content = null;
  if (operation.requestBody) {
    const media = Object.values(operation.requestBody.content)[0];
    content = JSON.stringify(media.example, null, 2);
    parts.push(make("h3", {}, t("body")), fields(media.schema));
  }
  const rows = Object.entries(operation.responses).map(([status, one]) => [status, one.description]);
  parts.push(make("h3", {}, t("answers")), table([t("status"), t("meaning")], rows));
  const good = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  const media = good && good[1].content && Object.values(good[1].content)[0];
  if (media && media.example !== undefined) {
    parts.push(make("h3", {}, t("example")), make("pre", {}, JSON.stringify(media.example, null, 2)));
  }
  parts.push(trial(method, path, operation, content));
  return parts.filter((part) => part !== null);
}

function card(method, path, operation) {
  const head = make("summary", {},
    make("span", { class: "method " + method }, method.toUpperCase()),
    make("span", { class: "path" }, path),
    make("span", { class: "summary" }, operation.summary + (operation.security.length ? "" : " · " + t("open"))));
  const node = make("details", { class: "operation", id: operation.operationId }, head);
  node.dataset.words = [method, path, operation.summary, operation.operationId].join(" ").toLowerCase();
  node.addEventListener("toggle", () => {
    if (node.open && node.childElementCount === 1) node.append(...details(method, path, operation));
  });
  return node;
}

// A link from the console carries a one-time ticket behind the "#", which browsers send nowhere. It leaves the address
// before anything else happens, so that it stands in no history, no bookmark and no copied link.
function ticket() {
  const found = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (found !== null) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

async function redeem(found) {
  $("message").textContent = t("loading");
  try {
    const answer = await fetch("/api/v1/key-tickets/redeem", {
      method: "POST", cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer",
      headers: { "Content-Type": "application/json", "Accept-Language": lang },
      body: JSON.stringify({ ticket: found }),
    });
    const told = await answer.json().catch(() => ({}));
    if (answer.status === 200) {
      key = told.key;
      await load();
      return;
    }
    $("message").textContent = told.title ? `${told.title}. ${told.cause} ${told.solution}` : t("refused");
  } catch {
    $("message").textContent = t("failed");
  }
}

function render() {
  const groups = new Map();
  for (const [path, methods] of Object.entries(shown.paths)) {
    for (const method of ORDER.filter((one) => methods[one])) {
      const tag = methods[method].tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(card(method, path, methods[method]));
    }
  }
  const sections = [...groups].sort().map(([tag, cards]) => make("section", {}, make("h2", {}, tag), ...cards));
  $("operations").replaceChildren(...sections);
  $("content").hidden = false;
  search();
}

function search() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const node of document.querySelectorAll("details.operation")) {
    node.hidden = !words.every((word) => node.dataset.words.includes(word));
  }
  for (const section of $("operations").children) section.hidden = !section.querySelector("details:not([hidden])");
}

async function load() {
  $("message").textContent = t("loading");
  try {
    const answer = await fetch("/openapi.json", {
      headers: { Authorization: "Bearer " + key, "Accept-Language": lang }, cache: "no-store",
    });
    if (answer.status === 200) {
      shown = await answer.json();
      $("message").textContent = "";
      render();
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    $("message").textContent = problem.title || t("refused");
  } catch {
    $("message").textContent = t("failed");
  }
}

$("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value.trim();
  $("key").value = "";
  load();
});
$("filter").addEventListener("input", search);
for (const node of document.querySelectorAll("[data-lang]")) {
  node.addEventListener("click", () => {
    lang = node.dataset.lang;
    translate();
    if (shown !== null) load();
  });
}
const brought = ticket();
translate();
if (brought) redeem(brought);
window.addEventListener("hashchange", () => {
  const later = ticket();
  if (later) redeem(later);
});
