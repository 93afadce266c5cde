/** What undo and redo need: the values before and after the present one, each with the change that made it. Pure functions. */

/**
 * @template T
 * @typedef {{value: T, change: string}} Step A value, and in words the change that made it, such as "clearing the selection".
 */
/**
 * @template T
 * @typedef {{past: Step<T>[], present: Step<T>, future: Step<T>[]}} History The last of `past` is the value before the present
 *   one; the first of `future` is the value that redo brings back.
 */

/** How many changes can be undone. */
const MAX_STEPS = 100;

/** @template T @param {T} value @returns {History<T>} Nothing can be undone yet. */
export function begun(value) {
  return { past: [], present: { value, change: "" }, future: [] };
}

/**
 * @template T
 * @param {History<T>} history @param {T} value @param {string} change
 * @returns {History<T>} After a change. What was undone before cannot be redone any more.
 */
export function changed({ past, present }, value, change) {
  return { past: [...past, present].slice(-MAX_STEPS), present: { value, change }, future: [] };
}

/** @template T @param {History<T>} history @returns {History<T>|null} Before the last change; null if there was none. */
export function undone({ past, present, future }) {
  const before = past.at(-1);
  return before ? { past: past.slice(0, -1), present: before, future: [present, ...future] } : null;
}

/** @template T @param {History<T>} history @returns {History<T>|null} After the change that was undone last; null if none was. */
export function redone({ past, present, future }) {
  const [next, ...rest] = future;
  return next ? { past: [...past, present], present: next, future: rest } : null;
}

/**
 * Change all values in the same way, such as when songs get other indices.
 * @template T
 * @param {History<T>} history @param {(value: T) => T} change
 * @returns {History<T>}
 */
export function mapped({ past, present, future }, change) {
  const step = (/** @type {Step<T>} */ { value, change: words }) => ({ value: change(value), change: words });
  return { past: past.map(step), present: step(present), future: future.map(step) };
}
