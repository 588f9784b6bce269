// The requests that make the same line, to copy into a shell or a program.

import { shellQuoted } from "../page/shell.js";

// The fields of a line for the server; what is the default is left out.
export function lineFields(line) {
  const { text, character, language, noaccent, speed, seed, engine, then } = line;
  const fields = { text };
  if (character) fields.character = character;
  if (language && language !== "auto") fields.language = language;
  if (noaccent) fields.noaccent = true;
  if (speed !== undefined && speed !== 1) fields.speed = speed;
  if (seed) fields.seed = seed;
  if (engine) fields.engine = engine;
  if (then) fields.then = then;
  return fields;
}

function curlCommand(url, body, withKey, file) {
  const lines = [`curl ${url}`, "-H 'Content-Type: application/json'"];
  if (withKey) lines.push('-H "Authorization: Bearer $YAMABIKO_KEY"');
  lines.push(`-d ${shellQuoted(JSON.stringify(body))}`);
  if (file) lines.push(`-o ${file}`);
  return lines.join(" \\\n  ");
}

// A command that writes the line into a file, in OpenAI's form.
export function speechCommand(origin, line, withKey) {
  const { text, character, engine, ...rest } = lineFields(line);
  const body = { model: engine ?? "yamabiko", input: text, response_format: "wav", ...rest };
  if (character) body.voice = character;
  return curlCommand(`${origin}/v1/audio/speech`, body, withKey, "line.wav");
}

// The request of the bots' contract, which has no speed, seed, engine and second voice.
export function generateCommand(origin, line, withKey) {
  const body = { textPrompt: line.text, character: line.speaker, language: line.language || "auto" };
  if (line.noaccent) body.noaccent = true;
  return curlCommand(`${origin}/generate`, body, withKey);
}

// Whether the bots' contract makes this very line.
export const fitsGenerate = ({ speed, seed, engine, then }) =>
  (speed === undefined || speed === 1) && !seed && !engine && !then;
