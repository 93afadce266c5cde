/** Asks the server for new songs and shows them without a reload of the page. */

import { getJson } from "./api.js";
import { announce, byId, setProps } from "./dom.js";
import { offer } from "./growth.js";
import { dismiss, notify } from "./notices.js";
import * as progress from "./progress.js";
import { state, subscribe, update } from "./state.js";
import { FAST_POLL_MS, POLL_MS, additions, describe, isAdding, isNoticeOutdated, pauseAfter } from "./updates_rules.js";

/**
 * @typedef {object} Latest
 * @property {number} revision Of the map. @property {number} songs @property {number} clusters
 * @property {string} changes A text that changes when files go missing or come back.
 * @property {boolean} first_look Whether the map is from a first look.
 * @property {import("./progress_text.js").IndexRun|null} index @property {string} problem
 * @property {boolean} counts_pages Whether the server counts the open pages.
 */

/** The server counts the open pages; each load of the page has a name. */
const PAGE_NAME = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
let isCounted = false;
let isChecking = false;
/** The user has asked for the new songs and waits for the new map: on which map, and when. @type {{asked: number, since: number}|null} */
let waiting = null;
/** @type {number|null} */
let shownRevision = null;
/** How many songs the map has that was drawn last. @type {number|null} */
let shownCount = null;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

export function mount() {
  byId("updates-show").addEventListener("click", startWaiting);
  document.addEventListener("visibilitychange", check);
  // A page that the browser keeps for "back" is closed meanwhile.
  window.addEventListener("pagehide", () => isCounted && navigator.sendBeacon(`closed/${PAGE_NAME}`));
  window.addEventListener("pageshow", (event) => event.persisted && check());
  subscribe(["map"], checkAfterNewMap);
  subscribe(["serverAnswers"], () => state.serverAnswers && check());
  check();
}

/** The state of the library on the page may be older than the map. New songs are announced once. */
function checkAfterNewMap() {
  const revision = state.map?.meta.revision ?? null;
  if (revision === shownRevision) return;
  shownRevision = revision;
  check();
  if (!state.map) return;
  const { count, meta } = state.map;
  const news = additions({ before: shownCount, now: count, isFirstLook: meta.first_look });
  shownCount = count;
  if (news) announce(news);
}

/** Ask the server for the newest state of the library. A hidden page does not ask; it asks when it becomes visible. */
export async function check() {
  if (document.hidden || isChecking) return;
  isChecking = true;
  clearTimeout(timer);
  // If the library is busy or the server does not answer, the next check tries again.
  /** @type {Latest|null} */
  const latest = await getJson(`latest?page=${PAGE_NAME}`).catch(() => null);
  isChecking = false;
  const pause = latest ? pauseAfter(latest, document.getElementById("notice")?.dataset.kind) : POLL_MS;
  timer = setTimeout(check, waiting ? Math.min(pause, FAST_POLL_MS) : pause);
  if (!latest) return;
  isCounted = latest.counts_pages;
  update({ isIndexing: latest.index !== null });
  progress.show(latest);
  show(latest);
}

/**
 * Compare the newest state with what the page shows. If the server has a newer map or new songs, show a card with a
 * button.
 * @param {Latest} latest
 */
function show(latest) {
  const { revision, songs, changes } = latest;
  const notice = document.getElementById("notice");
  if (notice) {
    // The page was drawn without a map. Reload it when there is one.
    if (isNoticeOutdated({ kind: notice.dataset.kind, revision: Number(notice.dataset.revision) }, latest)) location.reload();
    return;
  }
  if (!state.map) return;
  const { meta, count } = state.map;
  const isNewMap = revision !== meta.revision;
  if (isNewMap && (meta.first_look || latest.first_look) && offer(latest)) {
    byId("updates").hidden = true;
    return;
  }
  // Files went missing or came back: draw the same map again.
  if (!isNewMap && changes !== meta.changes) setProps("changes", { data: changes });
  const { phase } = byId("redraw").dataset;
  if (waiting && isAdding({ ...waiting, shown: meta.revision, newest: revision, phase, elapsedMs: Date.now() - waiting.since })) return;
  // If the process has failed, the card says why; the user knows what they have cancelled.
  const isLost = waiting?.asked === meta.revision && !isNewMap && songs > count && phase !== "failed" && phase !== "cancelled";
  if (isLost) notify("The new songs could not be added to the map; try again.", { kind: "error", key: "adding" });
  waiting = null;
  showCard(latest, songs - count, isNewMap, phase === "failed");
}

/** @param {Latest} latest @param {number} newCount @param {boolean} isNewMap @param {boolean} hasFailed */
function showCard(latest, newCount, isNewMap, hasFailed) {
  const button = byId("updates-show");
  button.disabled = false;
  const problem = (hasFailed && document.querySelector("#redraw-state .redraw-text")?.textContent) || "";
  const { text, buttonLabel } = describe({ newCount, isNewMap, problem });
  button.textContent = buttonLabel;
  const label = byId("updates-text");
  if (label.textContent !== text) label.textContent = text;
  // Without permission to change the library, the page can show a new map, but not make one.
  const isFilling = latest.first_look && latest.index !== null;
  byId("updates").hidden = !isNewMap && (newCount <= 0 || isFilling || state.refusal !== "");
}

/** The user has clicked the button: disable it until the new map is drawn. */
function startWaiting() {
  if (!state.map) return;
  dismiss("adding");
  waiting = { asked: state.map.meta.revision, since: Date.now() };
  // What the page knows of an earlier process says nothing about this one.
  setProps("redraw", { "data-phase": "asked" });
  clearTimeout(timer);
  timer = setTimeout(check, FAST_POLL_MS);
  // Dash handles the click after this function, and it ignores clicks on a disabled button.
  setTimeout(() => {
    byId("updates-show").disabled = true;
    byId("updates-show").textContent = "Adding …";
  });
}
