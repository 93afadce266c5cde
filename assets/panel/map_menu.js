/** The map's menu: on a phone it has buttons that stand for those of the header, which has no room for them there. */

import { byId } from "../core/dom.js";
import { close } from "./popover.js";

export function mount() {
  for (const button of byId("map-menu").querySelectorAll("[data-click]")) {
    button.addEventListener("click", () => {
      byId(button.dataset.click).click();
      if (button.dataset.click === "upload-button") close();
    });
  }
}
