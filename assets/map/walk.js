/**
 * Moves from song to song: with "next" and "previous" through a song and its neighbours (a walk), or across
 * the map with the arrow keys.
 */
window.explorer = window.explorer || {};

explorer.walk = {
  /** The index and the id of the song where the walk began. */
  anchor: null,
  anchorId: null,
  /**
   * The songs of the walk: the anchor, then its neighbours, the most similar first. For an uploaded song the
   * first item is null.
   */
  list: [],
  /** The position in `list` of the song that plays. */
  position: 0,
  /** Each arrow key's direction in pixels: right, down. */
  DIRECTIONS: { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] },

  /** Begin a walk at a song. @param {number|null} index Null ends the walk. */
  async begin(index) {
    this.anchor = index;
    this.list = index === null ? [] : [index];
    this.position = 0;
    if (index === null) this.anchorId = null;
    explorer.url.write({ push: false });
    if (index === null) return;
    const [song, neighbours] = await Promise.all([
      explorer.api.getSong(index).catch(() => null),
      explorer.api.neighbours(index).catch(() => []),
    ]);
    if (this.anchor !== index) return;
    this.list = [index, ...neighbours.map((neighbour) => neighbour.index)];
    const isNewSong = this.anchorId !== (song?.id ?? null);
    this.anchorId = song?.id ?? null;
    explorer.url.write({ push: isNewSong });
  },

  /** Begin a walk at an uploaded song. @param {{index: number}[]} neighbours */
  beginAtUpload(neighbours) {
    this.anchor = this.anchorId = null;
    this.list = [null, ...neighbours.map((neighbour) => neighbour.index)];
    this.position = 0;
  },

  /**
   * Play the next or the previous song of the walk. Songs that cannot be played are skipped.
   * @param {number} by 1 or -1.
   * @param {number} attempts The largest number of songs to try: by default each song once.
   */
  async step(by, attempts = this.list.length) {
    const { list } = this;
    if (list.length < 2) return;
    this.position = (this.position + by + list.length) % list.length;
    const index = list[this.position];
    if (index === null) return explorer.upload.play();
    const playing = explorer.playWithoutSelecting(index);
    explorer.map.panIntoView(index);
    const isUnplayable = (await playing) === false;
    if (isUnplayable && this.list === list && list[this.position] === index && attempts > 1) this.step(by, attempts - 1);
  },

  /** Play a neighbour that was clicked in the panel. The walk continues from there. */
  goTo(index) {
    this.position = Math.max(this.list.indexOf(index), 0);
    explorer.playWithoutSelecting(index);
    explorer.map.panIntoView(index);
  },

  /**
   * Play the nearest song in a direction on the map. If no song plays or is selected, play the song in the middle.
   * @param {string} key An arrow key.
   */
  goTowards(key) {
    const from = explorer.player.requested ?? this.anchor;
    const { map } = explorer;
    if (!map.points) return;
    if (from === null) {
      const free = map.freeArea();
      const [first] = explorer.pointer.around((free.left + free.right) / 2, (free.top + free.bottom) / 2, 1);
      if (first !== undefined) explorer.play(first);
      return;
    }
    const next = this.nearestInDirection(map.points, from, this.DIRECTIONS[key], (index) => map.matchesFilter(index));
    if (next === null) return explorer.announce("There is no song in that direction.");
    explorer.play(next);
    map.panIntoView(next);
  },

  /**
   * Find the nearest song within 50 degrees of a direction. A distance at right angles to the direction
   * counts twice.
   * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} points The positions of all songs on the map.
   * @param {number} from The index of the song to start from.
   * @param {number[]} direction As in DIRECTIONS.
   * @param {function(number): boolean} matches Whether a song may be chosen.
   * @returns {number|null}
   */
  nearestInDirection({ x, y }, from, [right, down], matches) {
    let [nearest, minCost] = [null, Infinity];
    for (let i = 0; i < x.length; i++) {
      const dx = x[i] - x[from];
      const dy = y[from] - y[i];
      const along = dx * right + dy * down;
      const sideways = Math.abs(dx * down) + Math.abs(dy * right);
      // 1.2 is about tan(50 degrees).
      if (along <= 0 || sideways > 1.2 * along || i === from || !matches(i)) continue;
      const cost = along + 2 * sideways;
      if (cost < minCost) [nearest, minCost] = [i, cost];
    }
    return nearest;
  },
};
