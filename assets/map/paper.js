/** Printing: a picture of the map in dark colours on white takes the place of the map. */

import { byId } from "../core/dom.js";
import { state } from "../core/state.js";
import { compose } from "./picture.js";

export function mount() {
  // Here the page still has the window's layout, by which names and points are placed.
  addEventListener("beforeprint", () => state.map && state.viewport && byId("print-map").replaceChildren(compose({ isForPaper: true })));
  addEventListener("afterprint", () => byId("print-map").replaceChildren());
}
