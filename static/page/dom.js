// Helpers that find and make elements: `el("button", { class: "button", t: "speak", onclick }, child, …)`.

export const byId = (id) => document.getElementById(id);

// Among the attributes `t` and `t-label` name a text of the page's language, and a function listens to the event of
// its name. Attributes and children that are null, undefined or false are left out.
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// The same for an element of a drawing. The namespace is read from a drawing that is there already: it is an address,
// and the page's code names no address of another host, which a test holds.
export function svgEl(tag, attributes = {}, ...children) {
  const { namespaceURI } = document.querySelector("svg");
  return fill(document.createElementNS(namespaceURI, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (isLeftOut(value)) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (name === "t" || name.startsWith("t-")) element.setAttribute(`data-${name}`, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => !isLeftOut(child)));
  return element;
}

// A button that has nothing to do now. It is not `disabled`, since that would take the keyboard's focus from it.
export function setDisabled(button, disabled) {
  if (disabled) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

const isLeftOut = (value) => value === null || value === undefined || value === false;
