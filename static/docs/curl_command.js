// Commands that ask for an operation as its example has it, ready for a shell.

import { shellQuoted } from "../page/shell.js";

const JSON_TYPE = "application/json";
const FORM = "multipart/form-data";
const KEY = '-H "Authorization: Bearer $YAMABIKO_KEY"';
// Of RFC 6455: a client's number of 16 bytes; this one is of its example.
const HANDSHAKE = [
  "-N --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket'",
  "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
];

// One command for an operation, and one for the HEAD of its path if there is one.
export function curlCommands(operation, base) {
  const address = addressOf(operation, base);
  const key = operation.needsKey ? [KEY] : [];
  const commands = [[`curl ${address}`, ...key, ...requestOf(operation), ...outputOf(operation)]];
  if (operation.headId && !upgrades(operation)) commands.push([`curl -I ${address}`, ...key]);
  return commands.map((parts) => parts.join(" \\\n  "));
}

function addressOf({ path, parameters }, base) {
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    const { example } = parameters.find((each) => each.name === name && each.in === "path") ?? {};
    // A slash in it is one of the path's.
    return encodeURIComponent(example ?? name.toUpperCase()).replaceAll("%2F", "/");
  });
  const asked = parameters.filter(({ in: place, required }) => place === "query" && required);
  const query = asked.map(({ name, example }) => `${name}=${encodeURIComponent(example ?? name.toUpperCase())}`);
  const address = base.replace(/\/$/, "") + filled + (query.length ? `?${query.join("&")}` : "");
  return /^[\w:/.%-]+$/.test(address) ? address : shellQuoted(address);
}

const upgrades = ({ answers }) => answers.some(({ status }) => status === "101");

function requestOf(operation) {
  if (upgrades(operation)) return HANDSHAKE;
  const { method, body } = operation;
  if (body[JSON_TYPE]) {
    const other = method === "post" ? [] : [`-X ${method.toUpperCase()}`]; // curl posts a body by itself
    return [...other, `-H 'Content-Type: ${JSON_TYPE}'`, `-d ${shellQuoted(JSON.stringify(body[JSON_TYPE].example))}`];
  }
  if (body[FORM]) return formParts(body[FORM].example);
  return method === "get" ? [] : [`-X ${method.toUpperCase()}`];
}

function formParts(example) {
  return Object.entries(example).flatMap(([name, value]) =>
    [value].flat().map((each) => `-F ${word(`${name}=${name === "audio" ? "@" : ""}${each}`)}`),
  );
}

const word = (text) => (/^[\w=@.-]+$/.test(text) ? text : shellQuoted(text));

// Sound goes into a file: on a terminal it is noise.
function outputOf({ answers, body }) {
  const types = Object.keys(answers[0]?.content ?? {});
  if (!types.some((type) => /^(audio|image)\//.test(type))) return [];
  if (types[0].startsWith("image/")) return ["-o picture"];
  const { example = {} } = body[JSON_TYPE] ?? body[FORM] ?? {};
  return [`-o sound.${example.response_format ?? example.format ?? "wav"}`];
}
