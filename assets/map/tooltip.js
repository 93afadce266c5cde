/** The tooltip of the song under the pointer. */
window.explorer = window.explorer || {};

explorer.tooltip = {
  /** The index of the song that the tooltip shows; null if there is none. */
  hovered: null,

  mount() {
    this.card = document.getElementById("tooltip");
  },

  /** Show a song's tooltip beside the pointer. @param {number|null} index Null hides the tooltip. */
  async show(index) {
    this.hovered = index;
    explorer.map.frame.classList.toggle("over-point", index !== null);
    if (index === null) {
      this.card.hidden = true;
      return;
    }
    let title, subtitle;
    let [details, missing] = ["", ""];
    try {
      const song = await explorer.api.getSong(index);
      [title, subtitle] = [song.title, explorer.api.artistAndGenres(song)];
      details = [explorer.api.sameSoundText(song), this.describeNearby(song)].filter(Boolean).join(" · ");
      if (song.gone_since) missing = `File missing since ${explorer.api.missingSince(song)}`;
    } catch (error) {
      [title, subtitle] = ["This song cannot be shown", error.message];
    }
    if (this.hovered !== index) return;
    const line = (className, text) => explorer.element("div", className, text);
    this.card.replaceChildren(
      line("tooltip-title", title),
      line("tooltip-by", subtitle),
      line("tooltip-missing", missing),
      line("tooltip-trust", details),
    );
    this.card.style.setProperty("--colour", explorer.map.colourOf(index));
    this.card.hidden = false;
    const { x, y } = explorer.pointer.at ?? explorer.map.toPixels(...explorer.map.placeOf(index));
    this.place(x, y);
  },

  /**
   * @returns {string} How many of the songs that sound most like a song are also near it on the map; empty if
   *   unknown.
   */
  describeNearby(song) {
    const count = song.near[explorer.map.projection];
    return count === undefined ? "" : `${count} of its ${song.neighbours} most similar songs are nearby`;
  },

  /** Place the tooltip beside a pixel, inside the window. */
  place(x, y) {
    if (this.card.hidden) return;
    const { offsetWidth, offsetHeight } = this.card;
    const free = explorer.map.freeArea();
    const end = Math.max(free.right, x) + explorer.map.GAP_PX - 4;
    const left = x + 16 + offsetWidth > end ? x - 16 - offsetWidth : x + 16;
    const top = Math.min(Math.max(y - offsetHeight - 12, free.top - 16), free.bottom + 12 - offsetHeight);
    this.card.style.transform = `translate(${Math.max(left, 8)}px, ${top}px)`;
  },
};
