// The page: makes its parts and connects them by events and callbacks.

import { byId } from "./page/dom.js";
import {
  chooseLanguage,
  errorText,
  languageEvents,
  loadTexts,
  setText,
  showFirstLanguage,
  shownLanguage,
  t,
  translate,
} from "./page/i18n.js";
import { setUpTheme } from "./page/theme.js";
import { Connection } from "./server/connection.js";
import { httpEvents } from "./server/http.js";
import { StatusPanel } from "./server/status_panel.js";
import { Player } from "./sound/player.js";
import { CharacterCards } from "./speak/character_cards.js";
import { CharacterList } from "./speak/characters.js";
import { LineForm } from "./speak/form.js";
import { History } from "./speak/history.js";
import { LinePlayer } from "./speak/line_player.js";
import { LatencyMeter } from "./talk/latency_meter.js";
import { LatencyPanel } from "./talk/latency_panel.js";
import { TalkPanel } from "./talk/panel.js";

const connection = new Connection();
const player = new Player();
const linePlayer = new LinePlayer(connection, player);
const characters = new CharacterList();
const SERVER_GONE = ["offline", "cut"]; // their texts are in the first load, since no more can be fetched then
let loginDialog = null; // before it is needed
let nowPlaying = null; // before the first key or click
let shown = {}; // the message: {key, error}

window.yamabiko = { stats: player.stats };
player.playFrom(connection);
setUpTheme(byId("theme"));
await showFirstLanguage();
byId("page-language").value = shownLanguage();
languageEvents.addEventListener("change", () => showMessage(shown.key, shown.error));
byId("page-language").addEventListener("change", ({ target }) => chooseLanguage(target.value).catch(showError));

const status = new StatusPanel(byId("status"), { showMessage });
const needsKey = () => status.needsKey;
const cards = new CharacterCards(byId("voices"), { characters, linePlayer, onFailed: showError });
const history = new History(byId("history"), { characters, say, edit: (line) => form.edit(line) });
const form = new LineForm({ linePlayer, characters, cards, say });
const meter = new LatencyMeter(connection, player);
new TalkPanel(byId("talk"), { connection, player, meter, characters });
new LatencyPanel(byId("latency"), { meter, player });
translate();

linePlayer.addEventListener("state", showState);
connection.addEventListener("ready", ({ detail }) => {
  showConnection("connection.ready");
  form.listEngines(detail.engines);
  byId("text").maxLength = detail.limits.text;
  showState();
  characters.load().catch(showError);
});
connection.addEventListener("offline", () => {
  showConnection("connection.offline");
  showState();
});
connection.addEventListener("login", () => {
  showConnection("connection.login");
  showState();
  askForKey().catch(showError);
});
httpEvents.addEventListener("login", () => askForKey().catch(showError));
connect();

function connect() {
  showMessage(null);
  connection.open();
  status.refresh();
}

// The dialog is fetched when it is needed: most servers have no keys, or the browser has the cookie.
async function askForKey() {
  const [{ LoginDialog }] = await Promise.all([import("./server/login.js"), loadTexts("later/")]);
  loginDialog ??= new LoginDialog({ onLoggedIn: connect });
  loginDialog.open();
}

// The view of a line is fetched with the first key or click: a visitor who only looks goes without it.
function loadNowPlaying() {
  nowPlaying ??= import("./speak/now_playing.js").then(
    ({ NowPlaying }) => new NowPlaying({ linePlayer, player, characters, showMessage, needsKey }),
  );
  return nowPlaying;
}

for (const gesture of ["pointerdown", "keydown"]) {
  addEventListener(gesture, () => loadNowPlaying().catch(() => {}), { capture: true, once: true });
}

// A line of the history has the moment and the speaker besides, which are no part of the request.
async function say({ at, by, ...line }) {
  showMessage(null);
  history.add(line);
  const onStarted = ({ character }) => history.setSpeaker(line, character);
  try {
    (await loadNowPlaying()).say(line, { onFailed: showError, onStarted });
  } catch (error) {
    nowPlaying = null; // to be tried again
    showError(error);
  }
}

function showState() {
  const isOffline = linePlayer.state === "idle" && !connection.ready;
  document.body.dataset.state = isOffline ? "offline" : linePlayer.state;
  byId("stop").disabled = linePlayer.state === "idle";
}

function showConnection(key) {
  setText(byId("connection"), key);
}

function showError(error) {
  // Without a connection that is the reason, whatever the error says of itself.
  const isCut = !connection.ready && !error.status;
  const code = byId("connection").dataset.t === "connection.login" ? "login" : "offline";
  showMessage("failed", isCut ? { code } : error);
}

// Shows one sentence; null takes the last one away.
async function showMessage(key, error = null) {
  const element = byId("message");
  const mine = { key, error };
  shown = mine;
  let text = key && t(key);
  if (error) text = SERVER_GONE.includes(error.code) ? t(error.code) : await errorText(error);
  if (shown !== mine) return; // another one came meanwhile
  element.dataset.kind = error ? "error" : "note";
  element.textContent = text;
}
