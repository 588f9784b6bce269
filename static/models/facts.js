// Facts about a model in words: its state, its memory, its times, and all that its details tell.

import { el } from "../page/dom.js";
import { formatBytes, formatDuration, formatMilliseconds, formatMoment, formatNumber, t } from "../page/i18n.js";

// The state that the card shows: while it changes from here, `loading`; where it has no chance, `unable`.
export function shownState({ state, can_run: canRun }, isChanging) {
  if (isChanging || state === "unloading") return "loading";
  return state === "unloaded" && !canRun ? "unable" : state;
}

// The server makes some models ready in the background: their tag says so in place of their state.
export function warmUpTag({ state, warm_up: warmUp }) {
  if (state === "failed" || !warmUp) return null;
  return { waiting: "warming", warming: "warming", ready: "ready" }[warmUp.state];
}

export const isLeftOut = ({ state, warm_up: warmUp }) => state === "unloaded" && warmUp?.state === "left_out";

export const aboutText = ({ kind, languages, device }) => joined([t(`model.${kind}`), languages.join(" "), device]);

export function memoryText({ memory_bytes: used, estimated_bytes: needed, state }, total) {
  if (state !== "loaded" || used === null) return needed ? t("model.needs", { size: formatBytes(needed) }) : "";
  if (!total) return t("model.takes", { size: formatBytes(used) });
  return t("memory.of", { used: formatBytes(used), total: formatBytes(total) });
}

export function timesText({ last_used_ms: used, unloads_in_s: left, task, jobs, users }, nowMs) {
  return joined([
    used !== null && usedText(Math.max(0, nowMs - used) / 1000),
    left !== null && t("model.unloads", { time: formatDuration(left) }),
    task && t("model.task", { task }),
    jobs > 0 && t("model.jobs", { count: formatNumber(jobs) }),
    users.length > 0 && t("model.users", { users: users.join(", ") }),
  ]);
}

const usedText = (seconds) => (seconds < 60 ? t("model.usedNow") : t("model.used", { time: formatDuration(seconds) }));

const joined = (parts) => parts.filter(Boolean).join(" · ");

// Rows of the details: the key of a title, and texts or elements.
export function detailRows(model) {
  const { id, engine, device, memory_bytes: used, estimated_bytes: needed } = model;
  return [
    ["detail.engine", id === engine ? [engine] : [engine, id]],
    ["detail.device", [device]],
    ["detail.process", model.process?.id ? [processText(model.process)] : []],
    ["detail.measured", used === null ? [] : [formatBytes(used)]],
    ["detail.estimate", needed ? [formatBytes(needed)] : []],
    ["detail.took", model.load_ms === null ? [] : [formatMilliseconds(model.load_ms)]],
    ["detail.used", model.last_used_ms === null ? [] : [formatMoment(model.last_used_ms)]],
    ["detail.users", model.users.length ? model.users : [t("detail.nobody")]],
    ["detail.task", model.task ? [model.task] : []],
    ["detail.files", model.files.map(fileText)],
    ["detail.obstacles", model.obstacles.map(({ what, how }) => english(`${what}: ${how}`))],
  ].filter(([, values]) => values.length);
}

// An engine outside runs in a process of its own.
const processText = ({ id, memory_bytes: used, restarts }) =>
  t("detail.processIs", { id, size: formatBytes(used), restarts: formatNumber(restarts) });

function fileText({ name, available, bytes, how }) {
  if (!available) return el("span", {}, `${name}: `, english(how ?? t("detail.missing")));
  return bytes === null ? name : `${name} · ${formatBytes(bytes)}`;
}

const english = (text) => el("span", { lang: "en" }, text);
