// A line's text whose words light up as they are heard.

export class Spoken {
  #element;
  #words = []; // {element, start, end}
  #rest = null; // the text behind the last known word
  #now = -1;

  constructor(element) {
    this.#element = element;
  }

  begin(text, language) {
    this.#words = [];
    this.#now = -1;
    this.#rest = document.createTextNode(text);
    this.#element.lang = language;
    this.#element.replaceChildren(this.#rest);
  }

  // Words come in the order of the text; one that is not found there is left out.
  add(words) {
    for (const { text, start, end } of words) {
      const at = this.#rest.data.indexOf(text);
      if (at < 0 || !text) continue;
      const word = this.#rest.splitText(at);
      this.#rest = word.splitText(text.length);
      const element = document.createElement("span");
      element.className = "word";
      word.replaceWith(element);
      element.append(word);
      this.#words.push({ element, start, end });
    }
  }

  light(position) {
    const heard = this.#words.findLastIndex(({ start }) => start <= position);
    if (heard === this.#now) return;
    this.#now = heard;
    this.#words.forEach(({ element }, i) => {
      element.classList.toggle("said", i < heard);
      element.classList.toggle("now", i === heard);
    });
  }

  // All was heard.
  finish() {
    this.#now = Infinity;
    for (const { element } of this.#words) {
      element.classList.remove("now");
      element.classList.add("said");
    }
  }
}
