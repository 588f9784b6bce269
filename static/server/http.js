// Requests to the server over HTTP; a refusal becomes an error with the server's reason.

export const httpEvents = new EventTarget(); // `login`: the server asks for a key

// A request that failed: `status` is 0 where no answer came, `hint` says what to do, in the server's words.
export class HttpError extends Error {
  constructor(status, { code = "error", message, hint = null, values = {} } = {}) {
    super(message ?? `HTTP ${status}`);
    this.name = "HttpError";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.values = values;
  }
}

// Gets the JSON at a path; with a body it is sent there. An answer without content is null.
export async function requestJson(path, body, method = body === undefined ? "GET" : "POST") {
  const headers = { "Content-Type": "application/json" };
  const options = body === undefined ? { method } : { method, body: JSON.stringify(body), headers };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new HttpError(0, { code: "offline" });
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const error = new HttpError(answer.status, await readReason(answer));
  // At /login a 401 means a wrong key, which the form says itself.
  if (answer.status === 401 && path !== "/login") httpEvents.dispatchEvent(new Event("login"));
  throw error;
}

async function readReason(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return {};
  }
}
