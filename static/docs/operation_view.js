// An operation on the page: its line, and when it is opened its command, parameters, body and answers.

import { el } from "../page/dom.js";
import { translate } from "../page/i18n.js";
import { curlCommands } from "./curl_command.js";

const ENGLISH = { lang: "en" }; // what the server says of itself is in English

export class OperationView {
  #operation;
  #reader;
  #base;
  #onCopy;
  #body = el("div", { class: "body" });

  // `base` is the server's address; `onCopy` gets a command that is to be copied.
  constructor(operation, { reader, base, onCopy }) {
    this.#operation = operation;
    this.#reader = reader;
    this.#base = base;
    this.#onCopy = onCopy;
    this.element = el("details", { id: operation.id, class: "operation" }, this.#summary(), this.#body);
    this.element.addEventListener("toggle", () => this.#fill(), { once: true });
  }

  open() {
    this.#fill();
    this.element.open = true;
    this.element.scrollIntoView();
  }

  #summary() {
    const { id, headId, method, path, summary, needsKey } = this.#operation;
    const badge = (name, operation) => el("code", { class: `method ${name}`, "data-operation": operation }, name);
    return el(
      "summary",
      {},
      el("span", { class: "methods" }, badge(method, id), headId && badge("head", headId)),
      el("code", { class: "path" }, path),
      el("span", { class: "what", ...ENGLISH }, summary),
      needsKey && el("span", { class: "tag", t: "docs.key" }),
    );
  }

  // The body is made when it is looked at first: all together have some thousand elements.
  #fill() {
    if (this.#body.childElementCount) return;
    const { about, parameters, body, answers } = this.#operation;
    this.#body.append(
      about && el("p", ENGLISH, ...formatted(about)),
      ...curlCommands(this.#operation, this.#base).map((command) => this.#command(command)),
      ...part("docs.parameters", parameters.length && this.#parameters(parameters)),
      ...part("docs.body", ...Object.entries(body).map(([type, { schema }]) => this.#content(type, schema, true))),
      ...part("docs.answers", ...answers.map((answer) => this.#answer(answer))),
    );
    translate(this.#body);
  }

  #command(text) {
    const copy = { class: "button quiet", type: "button", t: "copy", onclick: () => this.#onCopy(text) };
    return el(
      "div",
      { class: "command" },
      el("pre", { tabindex: "0", role: "region", "t-label": "docs.command" }, el("code", {}, text)),
      el("button", copy),
    );
  }

  #parameters(parameters) {
    const rows = parameters.map(({ name, in: place, required, schema, description }) => ({
      path: `${name} (${place})`,
      type: this.#reader.typeOf(schema),
      isNeeded: required,
      about: description,
      initial: "default" in schema ? JSON.stringify(schema.default) : "",
    }));
    return fieldTable("docs.parameters", rows, true);
  }

  #answer({ status, about, headers, content }) {
    const named = Object.keys(headers).join(", ");
    return el(
      "details",
      { class: "answer", "data-status": status, open: status < "400" },
      el("summary", {}, el("code", {}, status), " ", el("span", ENGLISH, ...formatted(about))),
      named && el("p", { class: "small soft" }, el("span", { t: "docs.headers" }), " ", el("code", {}, named)),
      ...Object.entries(content).map(([type, { schema }]) => this.#content(type, schema, false)),
    );
  }

  // The media type of a content and the fields in it; `isAsked` where a client sends it.
  #content(type, schema, isAsked) {
    const fields = this.#reader.fields(schema);
    return el(
      "div",
      { class: "content" },
      el("p", {}, el("code", {}, type), " ", el("code", { class: "soft" }, this.#reader.typeOf(schema))),
      schema.description && el("p", ENGLISH, ...formatted(schema.description)),
      fields.length && fieldTable(isAsked ? "docs.body" : "docs.answers", fields, isAsked),
    );
  }
}

function part(key, ...contents) {
  const found = contents.filter(Boolean);
  return found.length ? [el("h3", { t: key }), ...found] : [];
}

// `isAsked`: a client must know which fields it has to send; those of an answer are mostly there.
function fieldTable(key, rows, isAsked) {
  const columns = ["docs.name", "docs.type", "docs.about"];
  return el(
    "div",
    { class: "table", tabindex: "0", role: "region", "t-label": key },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...columns.map((column) => el("th", { scope: "col", t: column })))),
      el("tbody", {}, ...rows.map((row) => fieldRow(row, isAsked))),
    ),
  );
}

function fieldRow({ path, type, isNeeded, about, initial }, isAsked) {
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el("code", {}, path),
      isAsked && isNeeded && el("span", { class: "tag", t: "docs.needed" }),
    ),
    el("td", {}, el("code", {}, type)),
    el(
      "td",
      {},
      el("span", ENGLISH, ...formatted(about)),
      initial && el("span", { class: "soft" }, " ", el("span", { t: "docs.default" }), " ", el("code", {}, initial)),
    ),
  );
}

// A text whose parts in backticks are code.
export const formatted = (text) =>
  text.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : document.createTextNode(part)));
