// What the browser keeps for this page. A browser that keeps nothing, such as a private one, is no fault.

const NAME = "yamabiko.";

export function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(NAME + name));
  } catch {
    return null;
  }
}

// Whether it was kept: there may be no room.
export function keep(name, value) {
  try {
    localStorage.setItem(NAME + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
