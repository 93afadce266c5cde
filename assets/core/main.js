/** Starts the page: gives Dash its functions, starts Dash, and mounts the page's parts when Dash has drawn their elements. */

import * as comet from "../inside/comet.js";
import * as moment from "../inside/moment.js";
import * as momentList from "../inside/moment_list.js";
import * as why from "../inside/why.js";
import * as inside from "../inside/inside.js";
import * as drawing from "../map/drawing.js";
import * as camera from "../map/camera.js";
import * as labels from "../map/labels.js";
import * as lasso from "../map/lasso.js";
import * as overlays from "../map/overlays.js";
import * as paper from "../map/paper.js";
import * as pointer from "../map/pointer.js";
import * as pointsLayer from "../map/points_layer.js";
import * as tooltip from "../map/tooltip.js";
import * as playlistExport from "../panel/export.js";
import * as filters from "../panel/filters.js";
import * as mapMenu from "../panel/map_menu.js";
import * as nowLine from "../panel/now_line.js";
import * as panel from "../panel/panel.js";
import * as pointed from "../panel/pointed.js";
import * as popover from "../panel/popover.js";
import * as selectionList from "../panel/selection_list.js";
import * as share from "../panel/share.js";
import * as songPanel from "../panel/song_panel.js";
import * as upload from "../panel/upload.js";
import * as welcome from "../panel/welcome.js";
import * as audio from "../sound/audio.js";
import * as heard from "../sound/heard.js";
import * as hover from "../sound/hover.js";
import * as mediaSession from "../sound/mediasession.js";
import * as outage from "../sound/outage.js";
import * as player from "../sound/player.js";
import * as playerBar from "../sound/player_bar.js";
import * as queue from "../sound/queue.js";
import * as spectrogram from "../sound/spectrogram.js";
import * as tabs from "../sound/tabs.js";
import * as waveform from "../sound/waveform.js";
import * as actions from "./actions.js";
import * as connection from "./connection.js";
import { offerFunctions } from "./dash.js";
import { setProps, systemTheme } from "./dom.js";
import * as drawnView from "./drawn_view.js";
import * as focus from "./focus.js";
import * as keys from "./keys.js";
import * as notices from "./notices.js";
import * as progress from "./progress.js";
import * as search from "./search.js";
import * as skipLinks from "./skip_links.js";
import { attempt } from "./state.js";
import * as updates from "./updates.js";
import * as url from "./url.js";

/** In this order: what is told of a change first is mounted first. */
const PARTS = [
  ...[notices, connection],
  ...[audio, player, heard, playerBar, queue, mediaSession, tabs, waveform, spectrogram, outage],
  ...[camera, pointsLayer, comet, overlays, labels, tooltip, drawing, pointer, lasso, hover, paper],
  ...[popover, mapMenu, upload, panel, nowLine, songPanel, inside, moment, momentList, why],
  ...[playlistExport, selectionList, filters, pointed, share, welcome],
  ...[actions, focus, skipLinks, keys, search, drawnView, url, progress, updates],
];
const BUSY_RETRY_MS = 4000;

/**
 * Start the page.
 * @param {() => void} startDash
 */
export function start(startDash) {
  keepDataInMemory();
  offerFunctions();
  connection.watchRequests();
  new MutationObserver((_changes, observer) => {
    if (!document.getElementById("player") || !document.getElementById("map-frame")) return;
    observer.disconnect();
    mount();
  }).observe(document.documentElement, { childList: true, subtree: true });
  startDash();
}

function mount() {
  for (const part of PARTS) attempt(part.mount);
  followSystemTheme();
  document.getElementById("reload")?.addEventListener("click", () => location.reload());
  const notice = document.getElementById("notice");
  if (notice?.dataset.kind === "busy") setTimeout(() => location.reload(), BUSY_RETRY_MS);
}

/** If the browser does not let the page store data, Dash and the page's parts keep it until the page is closed. */
function keepDataInMemory() {
  for (const name of /** @type {const} */ (["localStorage", "sessionStorage"])) {
    try {
      window[name].getItem("");
    } catch {
      Object.defineProperty(window, name, { value: storageInMemory() });
    }
  }
}

/** @returns {Pick<Storage, "getItem"|"setItem"|"removeItem"|"clear"|"key"|"length">} */
function storageInMemory() {
  /** @type {Map<string, string>} */
  const values = new Map();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, String(value)),
    removeItem: (key) => void values.delete(key),
    clear: () => values.clear(),
    key: (index) => [...values.keys()][index] ?? null,
    get length() {
      return values.size;
    },
  };
}

/** Follow the system's theme until the user chooses one. */
function followSystemTheme() {
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
    // Dash stores "null" when the user has chosen the system's theme again.
    if ((localStorage.getItem("chosen-theme") ?? "null") !== "null") return;
    setProps("theme", { data: systemTheme() });
    setProps("provider", { forceColorScheme: systemTheme() });
  });
}
