/** A page for tests without a browser: an audio element that plays nothing, and answers of the server. */

/** An audio element. `log` lists what was done with it. */
export class FakeAudio extends EventTarget {
  log = [];
  paused = true;
  ended = false;
  muted = false;
  error = null;
  volume = 1;
  currentTime = 0;
  duration = NaN;
  #source = null;

  getAttribute() {
    return this.#source;
  }

  get src() {
    return this.#source;
  }

  set src(address) {
    this.log.push(`load ${address}`);
    this.#source = address;
    this.error = null;
  }

  load() {
    this.log.push("load again");
  }

  async play() {
    this.log.push("play");
    this.paused = false;
    await null;
    this.dispatchEvent(new Event("playing"));
  }

  pause() {
    this.log.push("pause");
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }

  /** Let something happen to the element. */
  emit(kind, changes = {}) {
    Object.assign(this, changes);
    this.dispatchEvent(new Event(kind));
  }
}

/** Make the page. Its elements other than the audio element only take texts. @returns {FakeAudio} */
export function makePage() {
  const audio = new FakeAudio();
  const other = {};
  // A hidden page has no animation frames, so the song's fades take no time.
  globalThis.document = { hidden: true, getElementById: (id) => (id === "audio" ? audio : other) };
  globalThis.localStorage = { getItem: () => null, setItem: () => {} };
  globalThis.cancelAnimationFrame = () => {};
  return audio;
}

/** Answer the requests to the server. @param {(address: string) => any} answer It returns JSON, or a Response. */
export function serve(answer) {
  globalThis.fetch = async (address) => {
    const value = await answer(address);
    return value instanceof Response ? value : Response.json(value);
  };
}

/** @returns {object} The state of a map, of which only the revision is known. */
export function mapOf(revision) {
  return { meta: { revision, hide: [] }, count: 100 };
}

/** Wait until everything has happened that needs next to no time. */
export async function settled() {
  for (let round = 0; round < 10; round++) await new Promise((resolve) => setTimeout(resolve, 2));
}
