/** The map's menu: on a phone it has buttons that stand for those of the header, which has no room for them there. */

import { byId, setProps } from "../core/dom.js";
import { state } from "../core/state.js";
import { close } from "./popover.js";

/** The server learns of a number this long after the last key. */
const TYPING_MS = 300;

export function mount() {
  // An empty field asks for nothing: it shows again what is drawn.
  const clusters = byId("clusters");
  clusters.addEventListener("blur", () => setTimeout(() => clusters.value || setProps("clusters", { value: state.view?.clusters }), TYPING_MS));
  for (const button of byId("map-menu").querySelectorAll("[data-click]")) {
    button.addEventListener("click", () => {
      byId(button.dataset.click).click();
      if (button.dataset.click === "upload-button") close();
    });
  }
}
