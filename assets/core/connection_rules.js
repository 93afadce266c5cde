/** What an answer of the server means, and when it is asked again. Pure functions. */

/** A request without an answer for this long: the page asks whether the server answers at all. */
export const SLOW_MS = 3000;
const ASK_AGAIN_MS = 1000;
const ASK_RARELY_MS = 3000;
/** After this many questions in vain, the page asks more rarely. */
const MANY = 30;
const LIMIT_MS = 5000;
/** A browser sends at most six requests to a server at once: then a question waits for another request to end. */
const MANY_REQUESTS = 5;
const LIMIT_BEHIND_OTHERS_MS = 20_000;
/** A proxy before the server says that the server does not answer. */
const NO_SERVER = [502, 504];

/**
 * @param {{error?: unknown, status?: number}} end How a request has ended: with an error, or with an answer.
 * @returns {"answered"|"failed"|"cancelled"}
 */
export function outcome({ error, status = 0 }) {
  if (error !== undefined) return /** @type {{name?: string}|null} */ (error)?.name === "AbortError" ? "cancelled" : "failed";
  return NO_SERVER.includes(status) ? "failed" : "answered";
}

/** @param {number} asked How often the server was asked in vain. @returns {number} When to ask again, in milliseconds. */
export function pauseBeforeAsking(asked) {
  return asked < MANY ? ASK_AGAIN_MS : ASK_RARELY_MS;
}

/** @param {number} pending How many other requests wait for an answer. @returns {number} How long a question may wait for one, in milliseconds. */
export function answerLimit(pending) {
  return pending < MANY_REQUESTS ? LIMIT_MS : LIMIT_BEHIND_OTHERS_MS;
}

/**
 * @param {{status: number, headers: Headers}} response
 * @param {number} attempt How often the request was sent before.
 * @param {number} most How often it may be repeated.
 * @returns {number|null} In how many milliseconds it is repeated because the server was busy (503); null if it is not.
 */
export function busyPause({ status, headers }, attempt, most) {
  const waitS = Number(headers.get("Retry-After"));
  return status !== 503 || !waitS || attempt >= most ? null : 1000 * waitS * 1.5 ** attempt;
}
