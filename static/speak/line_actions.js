// The actions for a line that was said: hear it again, copy its address, download it, ask for it from a program.

import { el } from "../page/dom.js";
import { translate } from "../page/i18n.js";
import { requestJson } from "../server/http.js";
import { fitsGenerate, generateCommand, lineFields, speechCommand } from "./copied_requests.js";

const FORMATS = ["wav", "mp3", "flac", "ogg", "opus", "aac"];

export class LineActions {
  #line;
  #showMessage;

  // `speaker` is who spoke it, `url` its address or null, `withKey` whether requests need a key.
  constructor(root, { line, speaker, url, replay, showMessage, withKey }) {
    this.#line = line;
    this.#showMessage = showMessage;
    const copy = () => this.#copy(url);
    root.replaceChildren(
      el(
        "div",
        { class: "row" },
        el("button", { id: "replay", class: "button", type: "button", t: "actions.replay", onclick: replay }),
        url && el("button", { id: "copy", class: "button", type: "button", t: "actions.copy", onclick: copy }),
        this.#downloads(),
      ),
      this.#requests({ ...line, speaker }, withKey),
    );
    translate(root);
  }

  #downloads() {
    return el(
      "span",
      { class: "soft downloads", role: "group", "t-label": "actions.download" },
      el("span", { t: "actions.download" }),
      ...FORMATS.map((format) => button({ "data-format": format }, () => this.#download(format), format)),
    );
  }

  #requests(line, withKey) {
    const { origin } = location;
    const forBots = this.#request("actions.generate", "generate", generateCommand(origin, line, withKey));
    return el(
      "details",
      { class: "requests" },
      el("summary", { t: "actions.requests" }),
      this.#request("actions.curl", "curl", speechCommand(origin, line, withKey)),
      el("div", {}, forBots, !fitsGenerate(line) && el("p", { class: "soft", t: "actions.bots" })),
    );
  }

  #request(key, name, text) {
    return el(
      "div",
      { class: "request" },
      el(
        "p",
        { class: "heading" },
        el("span", { t: key }),
        button({ t: "copy" }, () => this.#copy(text)),
      ),
      el("pre", { tabindex: "0", "data-request": name, role: "region", "t-label": key }, el("code", {}, text)),
    );
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.#showMessage("copied");
    } catch {
      this.#showMessage("copied.not");
    }
  }

  async #download(format) {
    try {
      const { url } = await requestJson("/lines", { ...lineFields(this.#line), format });
      // Of the address only the path: the server may have another name here than in its links.
      const { pathname, search } = new URL(url);
      const link = el("a", { href: pathname + search, download: pathname.split("/").at(-1) });
      document.body.append(link);
      link.click();
      link.remove();
    } catch (error) {
      this.#showMessage("failed", error);
    }
  }
}

function button(attributes, onclick, ...children) {
  return el("button", { class: "button quiet", type: "button", ...attributes, onclick }, ...children);
}
