// Questions to the server over HTTP; what it refuses becomes an error with its reason.

export const refusals = new EventTarget(); // `login`, when a key is needed

export class Refusal extends Error {
  constructor(status, { code = "error", message, hint = null } = {}) {
    super(message ?? `HTTP ${status}`);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

export async function ask(path, body, method = body === undefined ? "GET" : "POST") {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let answer;
  try {
    answer = await fetch(path, { method, ...sent });
  } catch {
    throw new Refusal(0, { code: "offline" });
  }
  if (answer.ok) return answer.json();
  const refusal = new Refusal(answer.status, await reason(answer));
  if (answer.status === 401 && path !== "/login") refusals.dispatchEvent(new Event("login"));
  throw refusal;
}

async function reason(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return {};
  }
}
