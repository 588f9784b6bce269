// The page: makes its parts and joins them; no part knows another.

import { Cards } from "./cards.js";
import { Cast } from "./cast.js";
import { Connection } from "./connection.js";
import { byId } from "./dom.js";
import { History } from "./history.js";
import * as i18n from "./i18n.js";
import { login } from "./login.js";
import { meter } from "./meter.js";
import { Performer } from "./performer.js";
import { Player } from "./player.js";
import { speak } from "./speak.js";
import { Stage } from "./stage.js";
import { Status } from "./status.js";
import { talk } from "./talk.js";
import { theme } from "./theme.js";

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
