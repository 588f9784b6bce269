// The page: asks for a line and plays it while it comes.

const RATE = 24000;
const AHEAD = 0.08; // seconds between arrival and sound, so that a late chunk is no gap

const element = (id) => document.getElementById(id);
const state = (name) => { document.body.dataset.state = name; };
const tell = (message) => { element("status").textContent = message; };

let playing = null;

// Plays 16-bit samples as they arrive, each chunk at the end of the one before.
class Player {
  constructor() {
    this.context = new AudioContext({ sampleRate: RATE });
    this.end = 0;
    this.rest = new Uint8Array(0);
  }

  feed(bytes) {
    const all = new Uint8Array(this.rest.length + bytes.length);
    all.set(this.rest);
    all.set(bytes, this.rest.length);
    const even = all.length - (all.length % 2);
    this.rest = all.slice(even);
    if (even) this.schedule(new DataView(all.buffer, 0, even));
  }

  schedule(view) {
    const buffer = this.context.createBuffer(1, view.byteLength / 2, RATE);
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(2 * i, true) / 32768;
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    const start = Math.max(this.end, this.context.currentTime + AHEAD);
    source.start(start);
    this.end = start + buffer.duration;
    this.last = source;
  }

  finished() {
    return new Promise((done) => {
      if (this.last && this.end > this.context.currentTime) this.last.onended = done;
      else done();
    });
  }

  close() {
    if (this.context.state !== "closed") this.context.close();
  }
}

function wish() {
  const asked = {
    model: "yamabiko",
    input: element("text").value,
    language: element("language").value,
    response_format: "pcm",
  };
  if (element("character").value) asked.voice = element("character").value;
  return asked;
}

// What the server says of a request it did not do; one that needs a key asks for it.
async function refusal(answer) {
  if (answer.status === 401) element("login").hidden = false;
  return new Error((await answer.json()).error.message);
}

async function login(event) {
  event.preventDefault();
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key: element("key").value.trim() }),
  });
  if (!answer.ok) return tell((await refusal(answer)).message);
  element("login").reset();
  element("login").hidden = true;
  tell("Logged in.");
  return start();
}

async function ask(signal) {
  const answer = await fetch("/v1/audio/speech", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wish()),
    signal,
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.body.getReader();
}

async function play(current) {
  const began = performance.now();
  const reader = await ask(current.abort.signal);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (current.player.end === 0) {
      state("speaking");
      tell(`First sound after ${Math.round(performance.now() - began)} ms`);
    }
    current.player.feed(part.value);
  }
  await current.player.finished();
}

async function speak(event) {
  event.preventDefault();
  stop();
  const current = { abort: new AbortController(), player: new Player() };
  playing = current;
  element("stop").disabled = false;
  state("waiting");
  tell("Asking …");
  try {
    await play(current);
  } catch (error) {
    if (error.name !== "AbortError") tell(error.message);
  }
  if (playing === current) stop();
}

function stop() {
  if (playing) {
    playing.abort.abort();
    playing.player.close();
  }
  playing = null;
  element("stop").disabled = true;
  state("idle");
}

async function listCharacters() {
  const answer = await fetch("/api/characters");
  if (!answer.ok) return tell((await refusal(answer)).message);
  const { characters } = await answer.json();
  for (const each of characters) {
    const label = `${each.display_name} (${each.language})`;
    element("character").append(new Option(label, each.name));
  }
  return undefined;
}

function start() {
  return listCharacters().catch(() => {
    state("offline");
    tell("The server does not answer.");
  });
}

element("login").addEventListener("submit", login);
element("say").addEventListener("submit", speak);
element("stop").addEventListener("click", stop);
start();
