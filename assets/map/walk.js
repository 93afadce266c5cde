/** Walking from song to song: among true neighbours, and over the map by the arrow keys. */
window.explorer = window.explorer || {};

explorer.walk = {
  /** The song that the walk began at, and those that sound most like it. */
  anchor: null,
  anchorId: null,
  list: [],
  at: 0,
  DIRECTIONS: { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] },

  /** Begin at a song. @param {number|null} index */
  async begin(index) {
    this.anchor = index;
    this.list = index === null ? [] : [index];
    this.at = 0;
    if (index === null) this.anchorId = null;
    explorer.url.write({ push: false });
    if (index === null) return;
    const [song, neighbours] = await Promise.all([
      explorer.api.get(index).catch(() => null),
      explorer.api.neighbours(index).catch(() => []),
    ]);
    if (this.anchor !== index) return;
    this.list = [index, ...neighbours.map((one) => one.index)];
    const isOther = this.anchorId !== (song?.id ?? null);
    this.anchorId = song?.id ?? null;
    explorer.url.write({ push: isOther });
  },

  /** Begin at a song that is not in the library. */
  beginAtGuest(neighbours) {
    this.anchor = this.anchorId = null;
    this.list = [null, ...neighbours.map((one) => one.index)];
    this.at = 0;
  },

  /** Go on, or back, among the songs that sound most like the one where the walk began; past those that are lost. */
  async step(by, left = this.list.length) {
    const { list } = this;
    if (list.length < 2) return;
    this.at = (this.at + by + list.length) % list.length;
    const index = list[this.at];
    if (index === null) return explorer.upload.play();
    const playing = explorer.playOnly(index);
    explorer.map.reveal(index);
    if ((await playing) === false && this.list === list && list[this.at] === index && left > 1) this.step(by, left - 1);
  },

  /** A neighbour was chosen from the list: the walk goes on from there. */
  goTo(index) {
    this.at = Math.max(this.list.indexOf(index), 0);
    explorer.playOnly(index);
    explorer.map.reveal(index);
  },

  /** Go to the nearest song in a direction on the map, and play it. @param {string} key Of an arrow. */
  towards(key) {
    const from = explorer.player.asked ?? this.anchor;
    const { map } = explorer;
    if (!map.points) return;
    if (from === null) {
      const free = map.freeArea();
      const [first] = explorer.pointer.around((free.left + free.right) / 2, (free.top + free.bottom) / 2, 1);
      if (first !== undefined) explorer.play(first);
      return;
    }
    const next = this.nearestTowards(map.points, from, this.DIRECTIONS[key], (index) => map.isLit(index));
    if (next === null) return explorer.announce("There is no song further that way.");
    explorer.play(next);
    map.reveal(next);
  },

  /** @returns {number|null} Within 50 degrees of a direction, the nearest lit song; sideways counts double. */
  nearestTowards({ x, y }, from, [right, down], isLit) {
    let [best, least] = [null, Infinity];
    for (let i = 0; i < x.length; i++) {
      const across = x[i] - x[from];
      const below = y[from] - y[i];
      const along = across * right + below * down;
      const aside = Math.abs(across * down) + Math.abs(below * right);
      if (along <= 0 || aside > 1.2 * along || i === from || !isLit(i)) continue;
      const cost = along + 2 * aside;
      if (cost < least) [best, least] = [i, cost];
    }
    return best;
  },
};
