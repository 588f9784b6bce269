// The page of the API: fetches the server's document, and shows its operations in their groups.

import { byId, el } from "../page/dom.js";
import {
  chooseLanguage,
  errorText,
  loadTexts,
  setText,
  showFirstLanguage,
  shownLanguage,
  translate,
} from "../page/i18n.js";
import { setUpTheme } from "../page/theme.js";
import { httpEvents, requestJson } from "../server/http.js";
import { formatted, OperationView } from "./operation_view.js";
import { groupsOf, matches } from "./operations.js";
import { SchemaReader } from "./schema_reader.js";

const DOCUMENT = "/openapi.json";
const views = new Map(); // by the operation's id
let shownGroups = []; // {element, operations}
let loginDialog = null; // before it is needed

setUpTheme(byId("theme"));
await Promise.all(["docs/", "later/"].map(loadTexts));
await showFirstLanguage();
byId("page-language").value = shownLanguage();
byId("page-language").addEventListener("change", ({ target }) => chooseLanguage(target.value).catch(showError));
byId("search").addEventListener("input", filter);
addEventListener("hashchange", openNamed);
httpEvents.addEventListener("login", () => askForKey().catch(showError));
load();

async function load() {
  setText(byId("message"), "docs.loading");
  try {
    show(await requestJson(DOCUMENT));
  } catch (error) {
    showError(error);
    return;
  }
  byId("message").textContent = "";
  delete byId("message").dataset.t;
}

function show(document) {
  const base = new URL(document.servers[0].url, location.origin).href;
  const reader = new SchemaReader(document.components.schemas);
  byId("about").replaceChildren(
    ...document.info.description.split("\n\n").map((text) => el("p", {}, ...formatted(text))),
  );
  byId("version").textContent = document.info.version;
  views.clear();
  shownGroups = groupsOf(document).map(({ name, about, operations }, number) => {
    for (const operation of operations) {
      views.set(operation.id, new OperationView(operation, { reader, base, onCopy: copy }));
    }
    const id = `group-${number}`;
    const element = el(
      "section",
      { class: "panel", "aria-labelledby": id },
      el("h2", { id, lang: "en" }, name),
      el("p", { class: "soft", lang: "en" }, about),
      ...operations.map(({ id: operation }) => views.get(operation).element),
    );
    return { name, id, element, operations };
  });
  byId("groups").replaceChildren(
    ...shownGroups.map(({ name, id }) => el("li", {}, el("a", { href: `#${id}`, lang: "en" }, name))),
  );
  byId("operations").replaceChildren(...shownGroups.map(({ element }) => element));
  translate(byId("operations"));
  filter();
  openNamed();
}

function filter() {
  const search = byId("search").value.trim();
  for (const { element, operations } of shownGroups) {
    const found = operations.filter((operation) => matches(operation, search));
    for (const operation of operations) views.get(operation.id).element.hidden = !found.includes(operation);
    element.hidden = !found.length;
  }
  byId("none").hidden = shownGroups.some(({ element }) => !element.hidden) || !shownGroups.length;
}

// The address may name an operation: `/docs#post_lines`.
function openNamed() {
  views.get(location.hash.slice(1))?.open();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    setText(byId("message"), "copied");
  } catch {
    setText(byId("message"), "copied.not");
  }
}

async function showError(error) {
  const text = await errorText(error);
  delete byId("message").dataset.t;
  byId("message").textContent = text;
}

// The server has keys: then its bounds are told to those who have one.
async function askForKey() {
  const { LoginDialog } = await import("../server/login.js");
  loginDialog ??= new LoginDialog({ onLoggedIn: load });
  loginDialog.open();
}
