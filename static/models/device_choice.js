// The choice of a device for models: the best one, or one of those that there are.

import { el } from "../page/dom.js";
import { translate } from "../page/i18n.js";

export class DeviceChoice {
  #ids = "";

  constructor(id) {
    this.element = el("select", { id }, el("option", { value: "auto", t: "device.auto" }));
  }

  get value() {
    return this.element.value;
  }

  // Offers these devices; the chosen one stays, also while it is not among them.
  show(ids, chosen = this.value) {
    const offered = ids.includes(chosen) || chosen === "auto" ? ids : [...ids, chosen];
    if (`${offered}` !== this.#ids) {
      this.#ids = `${offered}`;
      const best = el("option", { value: "auto", t: "device.auto" });
      this.element.replaceChildren(best, ...offered.map((each) => el("option", { value: each }, each)));
      translate(this.element);
    }
    this.element.value = chosen;
  }
}
