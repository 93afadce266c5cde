/**
 * The state of the page, in one place. Modules read `state`, change it with `update`, and are told of changes through
 * `subscribe`. Nothing else assigns to `state`.
 */

/** @typedef {import("./types.js").State} State */
/** @typedef {keyof State} Key */

/** @type {State} */
export const state = {
  view: null,
  defaults: { projection: "tsne", clusters: 1, mostClusters: 1, colourings: ["cluster"] },
  map: null,
  moved: null,
  viewport: null,
  isUserPositioned: false,
  isGliding: false,
  isDragging: false,
  hasWebgl: true,
  hovered: null,
  pointed: null,
  previewed: null,
  playing: null,
  requested: null,
  song: null,
  sound: "paused",
  volume: 1,
  isMuted: false,
  message: "",
  notices: [],
  mapProblem: "",
  repeat: "on",
  isHearing: false,
  awaitsGesture: false,
  selected: null,
  selections: 0,
  selectedId: null,
  neighbours: [],
  upload: null,
  isUploading: false,
  isUploadAside: false,
  linesFrom: null,
  lineEnds: [],
  walk: [],
  walkPosition: 0,
  desk: null,
  selectionUndo: false,
  selectionRedo: false,
  selectionNews: null,
  chosen: [],
  chosenPosition: null,
  choices: 0,
  moment: null,
  momentPosition: -1,
  isCometOn: true,
  tool: null,
  shape: null,
  isPanelOpen: false,
  panelTab: "song",
  isSpectrogramOpen: false,
  isInsideOpen: false,
  isIndexing: false,
  serverAnswers: true,
  refusal: "",
};

/** @type {{keys: Set<Key>, listener: (changed: Set<Key>) => void}[]} */
const subscribers = [];
/** The changed keys that subscribers have not been told of yet. @type {Set<Key>[]} */
const queue = [];
let isNotifying = false;

/**
 * Change the state, and tell the subscribers of each key whose value is another one now. A subscriber that changes the
 * state itself causes a further round of calls, after this one.
 * @param {Partial<State>} changes
 */
export function update(changes) {
  const changed = new Set(/** @type {Key[]} */ (Object.keys(changes)).filter((key) => !Object.is(state[key], changes[key])));
  Object.assign(state, changes);
  if (!changed.size) return;
  queue.push(changed);
  if (isNotifying) return;
  isNotifying = true;
  for (let keys = queue.shift(); keys; keys = queue.shift()) notify(keys);
  isNotifying = false;
}

/** @param {Set<Key>} changed */
function notify(changed) {
  for (const { keys, listener } of subscribers) {
    if ([...changed].some((key) => keys.has(key))) attempt(() => listener(changed));
  }
}

/** Call a function. If it fails, the browser reports the error, and the caller goes on. @param {() => void} action */
export function attempt(action) {
  try {
    action();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/**
 * Call a function after each change of certain keys. It is called once for each `update`, in the order of subscription.
 * @param {Key[]} keys
 * @param {(changed: Set<Key>) => void} listener It gets all keys that this update has changed.
 */
export function subscribe(keys, listener) {
  subscribers.push({ keys: new Set(keys), listener });
}
