// Elements in few words: `el("button", {class: "button", t: "speak", onclick}, child, …)`. It knows no page.

export const byId = (id) => document.getElementById(id);

// `t` and `t-label` name a text of the page's language; a function listens; null and false are left out.
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  return filled(made, attributes, children);
}

// The same in a drawing; where its elements live, an element that the page has tells.
export function draw(tag, attributes = {}, ...children) {
  const { namespaceURI } = document.querySelector("svg");
  return filled(document.createElementNS(namespaceURI, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else if (name === "t" || name.startsWith("t-")) made.setAttribute(`data-${name}`, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== false));
  return made;
}
