// The log-in of a server with keys: a dialog that exchanges a key for a cookie.

import { el } from "../page/dom.js";
import { errorText, t, translate } from "../page/i18n.js";
import { requestJson } from "./http.js";

export class LoginDialog {
  #onLoggedIn;
  #key = el("input", {
    id: "key",
    type: "password",
    autocomplete: "current-password",
    required: true,
    spellcheck: "false",
  });
  #error = el("p", { id: "login-error", role: "alert" });
  #form = el("form", { id: "login-form", onsubmit: (event) => this.#submit(event) });
  #dialog = el("dialog", { id: "login", "aria-labelledby": "login-title" }, this.#form);

  constructor({ onLoggedIn }) {
    this.#onLoggedIn = onLoggedIn;
    const later = { id: "login-later", class: "button", type: "button", t: "login.later" };
    this.#form.append(
      el("h2", { id: "login-title", t: "login.title" }),
      el("p", { class: "soft", t: "login.text" }),
      el(
        "div",
        { class: "field" },
        el("label", { for: "key", t: "login.key" }),
        // Without a name for the account browsers do not offer to remember the key.
        el("input", { type: "text", autocomplete: "username", value: "yamabiko", hidden: true }),
        this.#key,
      ),
      this.#error,
      el(
        "div",
        { class: "go" },
        el("button", { class: "button first", type: "submit", t: "login.enter" }),
        el("button", { ...later, onclick: () => this.#dialog.close() }),
      ),
    );
    document.body.append(this.#dialog);
    translate(this.#dialog);
  }

  open() {
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  async #submit(event) {
    event.preventDefault();
    this.#error.textContent = "";
    try {
      await requestJson("/login", { key: this.#key.value.trim() });
    } catch (error) {
      if (error.status === 401) this.#error.textContent = t("login.wrong");
      else this.#error.textContent = error.status ? await errorText(error) : t("offline");
      this.#key.select();
      return;
    }
    this.#form.reset();
    this.#dialog.close();
    this.#onLoggedIn();
  }
}
