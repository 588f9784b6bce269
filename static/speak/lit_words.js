// The text of a line, whose words light up as they are heard.

export class LitWords {
  #element;
  #words = []; // {element, start, end}, times in seconds
  #rest = null; // the text behind the last known word
  #lit = -1;

  constructor(element) {
    this.#element = element;
  }

  show(text, language) {
    this.#words = [];
    this.#lit = -1;
    this.#rest = document.createTextNode(text);
    this.#element.lang = language;
    this.#element.replaceChildren(this.#rest);
  }

  // Adds words with their times, in the order of the text; a word that is not found there is left out.
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

  // Lights the word that is heard at a position, in seconds.
  light(position) {
    const lit = this.#words.findLastIndex(({ start }) => start <= position);
    if (lit === this.#lit) return;
    this.#lit = lit;
    for (const [i, { element }] of this.#words.entries()) {
      element.classList.toggle("said", i < lit);
      element.classList.toggle("now", i === lit);
    }
  }

  // Shows all words as heard.
  finish() {
    this.#lit = Infinity;
    for (const { element } of this.#words) {
      element.classList.remove("now");
      element.classList.add("said");
    }
  }
}
