// The browser's storage for this page. Where a browser stores nothing, as in a private window, the page works too.

const PREFIX = "yamabiko."; // pages at other paths of this host share the storage

export function readStorage(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

export function writeStorage(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // No room, or no storage: the value lasts as long as the page.
  }
}
