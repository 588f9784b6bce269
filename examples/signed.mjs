// A client of Yamabiko that signs its requests, for Node 18 and later and for browsers, without packages.
//
//     node signed.mjs http://127.0.0.1:8000 bot:SECRET "Hello there, traveller."
//
// Browsers have crypto.subtle on pages from https and from localhost only.

const crypto = globalThis.crypto ?? (await import("node:crypto")).webcrypto;
const utf8 = new TextEncoder();

export function canonicalQuery(query) {
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    })
    .map(([name, value]) => [encoded(name), encoded(value)])
    .filter(([name]) => !["kid", "t", "n", "sig"].includes(name))
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

// The order of the bytes, which `localeCompare` would not give.
function compare(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

// Byte for byte: decodeURIComponent would stumble over what is not UTF-8.
function encoded(text) {
  const bytes = utf8.encode(text);
  let result = "";
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i];
    const part = String.fromCharCode(...bytes.subarray(i, i + 3));
    if (/^%[0-9A-Fa-f]{2}$/.test(part)) {
      byte = parseInt(part.slice(1), 16);
      i += 2;
    }
    const character = String.fromCharCode(byte);
    const plain = /[A-Za-z0-9\-._~]/.test(character);
    result += plain ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return result;
}

// `target` is what stands in the request line: the path, and the query after a `?`.
export async function stringToSign(method, target, body, keyId, timeMs, nonce) {
  const [path, query] = target.split(/\?(.*)/s);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const parts = ["v1", method.toUpperCase(), path, canonicalQuery(query ?? "")];
  return [...parts, keyId, timeMs, nonce, hex].join("\n");
}

export async function signature(secret, message) {
  const key = await hmac(utf8.encode(secret), utf8.encode("yamabiko-request-v1"));
  return base64url(await hmac(key, utf8.encode(message)));
}

async function hmac(key, message) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

// One server and one key, `id:secret`.
export class Yamabiko {
  constructor(address, key) {
    this.address = address;
    const colon = key.indexOf(":");
    this.keyId = key.slice(0, colon);
    this.secret = key.slice(colon + 1);
    this.offsetMs = 0; // what the server's clock is ahead of ours
  }

  // [key id, time, nonce, signature], good for one request, now.
  async signed(method, target, body = new Uint8Array()) {
    const timeMs = String(Date.now() + this.offsetMs);
    const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
    const message = await stringToSign(method, target, body, this.keyId, timeMs, nonce);
    return [this.keyId, timeMs, nonce, await signature(this.secret, message)];
  }

  // An address that opens one socket: browsers cannot set headers there.
  async socketAddress(target = "/ws") {
    const url = new URL(target, this.address);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const values = await this.signed("GET", url.pathname + url.search);
    const fields = ["kid", "t", "n", "sig"].map((name, i) => `${name}=${values[i]}`);
    url.search = [url.search.slice(1), ...fields].filter((part) => part !== "").join("&");
    return url.href;
  }

  // The answer to a signed request; when our clock is wrong it is corrected, once.
  async ask(method, target, json) {
    const answer = await this.send(method, target, json);
    if (answer.status !== 401) return answer;
    const { error } = await answer.json();
    if (!["stale", "future"].includes(error.code)) throw new Error(`${error.code}: ${error.message}`);
    this.offsetMs = error.now_ms - Date.now();
    return this.send(method, target, json);
  }

  async send(method, target, json) {
    const url = new URL(target, this.address); // what is signed must be what fetch sends
    const body = json === undefined ? undefined : utf8.encode(JSON.stringify(json));
    const values = await this.signed(method, url.pathname + url.search, body);
    const headers = { "Content-Type": "application/json" };
    ["Key", "Time", "Nonce", "Signature"].forEach((name, i) => {
      headers[`X-Yamabiko-${name}`] = values[i];
    });
    return fetch(url, { method, headers, body });
  }
}

if (globalThis.process?.argv?.[1]?.endsWith("signed.mjs")) {
  const [address, key, text] = process.argv.slice(2);
  const answer = await new Yamabiko(address, key).ask("POST", "/lines", { text });
  console.log((await answer.json()).url); // plays at once, without a key
}
