// The page: makes its parts and joins them; no part knows another.

import { Cards } from "./speak/character_cards.js";
import { Cast } from "./speak/characters.js";
import { Connection } from "./server/connection.js";
import { byId } from "./page/dom.js";
import { History } from "./speak/history.js";
import * as i18n from "./page/i18n.js";
import { login } from "./server/login.js";
import { meter } from "./talk/latency_panel.js";
import { Performer } from "./speak/line_player.js";
import { Player } from "./sound/player.js";
import { speak } from "./speak/form.js";
import { Stage } from "./speak/now_playing.js";
import { Status } from "./server/status_panel.js";
import { talk } from "./talk/panel.js";
import { theme } from "./page/theme.js";

const { t } = i18n;
const connection = new Connection();
const player = new Player();
const performer = new Performer(connection, player);
const cast = new Cast();

window.yamabiko = { stats: player.stats };
player.follow(connection);
theme(byId("theme"));
await i18n.begin();
byId("tongue").value = i18n.language();
byId("tongue").addEventListener("change", ({ target }) => i18n.choose(target.value).catch(failed));

const status = new Status(byId("status"), { tell });
const stage = new Stage({ performer, player, cast, tell, withKey: () => status.keyed });
const cards = new Cards(byId("voices"), { cast, performer, failed });
const history = new History(byId("history"), { cast, perform, edit: (line) => form.edit(line) });
const form = speak({ performer, cast, cards, perform });
login({ connection, entered: arrive });
talk(byId("talk"), { connection, player, t });
meter(byId("latency"), { connection, player, t });
i18n.translate();

performer.addEventListener("state", show);
connection.addEventListener("ready", ({ detail }) => {
  wire("wire.ready");
  form.engines(detail.engines);
  byId("text").maxLength = detail.limits.text;
  show();
  cast.load().catch(failed);
});
connection.addEventListener("offline", () => {
  wire("wire.offline");
  show();
});
connection.addEventListener("login", () => {
  wire("wire.login");
  show();
});
arrive();

function arrive() {
  tell(null);
  connection.open();
  status.look();
}

function perform({ at, by, ...line }) {
  tell(null);
  history.add(line);
  stage.perform(line, { failed, started: ({ character }) => history.spoken(line, character) });
}

function show() {
  const state = connection.ready ? performer.state : "offline";
  document.body.dataset.state = performer.state === "idle" ? state : performer.state;
  byId("stop").disabled = performer.state === "idle";
}

function wire(key) {
  byId("wire").dataset.t = key;
  byId("wire").textContent = t(key);
}

function failed(error) {
  const cut = !connection.ready && !error.status; // whatever it says of itself
  tell("failed", cut ? { code: byId("wire").dataset.t === "wire.login" ? "login" : "offline" } : error);
}

// One sentence to the reader; null takes the last one away.
function tell(key, error = null) {
  const element = byId("message");
  element.dataset.kind = error ? "error" : "note";
  if (key === null) element.textContent = "";
  else if (["offline", "login", "cut"].includes(error?.code)) element.textContent = t(error.code);
  else if (error) element.textContent = [error.message, error.hint].filter(Boolean).join(" ");
  else element.textContent = t(key);
}
