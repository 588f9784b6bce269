// The requests that make the same line, to copy into a shell or a program. It asks nothing itself.

// The line as the doors take it: what is left out is the default.
export function wish(line) {
  const { text, character, language, noaccent, speed, seed, engine } = line;
  const wished = { text };
  if (character) wished.character = character;
  if (language && language !== "auto") wished.language = language;
  if (noaccent) wished.noaccent = true;
  if (speed !== undefined && speed !== 1) wished.speed = speed;
  if (seed) wished.seed = seed;
  if (engine) wished.engine = engine;
  return wished;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl(url, body, withKey, out) {
  const lines = [`curl ${url}`, "-H 'Content-Type: application/json'"];
  if (withKey) lines.push('-H "Authorization: Bearer $YAMABIKO_KEY"');
  lines.push(`-d ${quoted(JSON.stringify(body))}`);
  if (out) lines.push(`-o ${out}`);
  return lines.join(" \\\n  ");
}

// OpenAI's shape, as a command that writes a file.
export function speechRequest(origin, line, withKey) {
  const { text, character, engine, ...rest } = wish(line);
  const body = { model: engine ?? "yamabiko", input: text, response_format: "wav", ...rest };
  if (character) body.voice = character;
  return curl(`${origin}/v1/audio/speech`, body, withKey, "line.wav");
}

// The bots' contract, which knows neither speed nor seed nor engine.
export function botsRequest(origin, line, withKey) {
  const body = { textPrompt: line.text, character: line.speaker, language: line.language || "auto" };
  if (line.noaccent) body.noaccent = true;
  return curl(`${origin}/generate`, body, withKey);
}

// Whether the bots' contract makes this very line.
export const botsCan = ({ speed, seed, engine }) => (speed === undefined || speed === 1) && !seed && !engine;
