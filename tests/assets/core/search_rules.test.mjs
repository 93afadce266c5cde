/** What the search says. */
import assert from "node:assert/strict";
import test from "node:test";
import { emptyMessage, isAnswered, spoken } from "../../../assets/core/search_rules.js";

const song = { value: "song:1", label: "Nocturne" };

test("there are no results only if the server has answered for exactly this text", () => {
  const search = (text, answered) => ({ text, answered, options: [] });
  for (const [text, answered, serverAnswers, expected] of [
    ["", null, true, null],
    ["  ", "  ", true, null],
    ["zzz", null, true, "Searching…"],
    ["zzz", "zz", true, "Searching…"],
    ["zzz", "zzz ", true, "Searching…"],
    ["zzz", "zz", false, "The server does not answer; trying again"],
    ["zzz", "zzz", true, "No results for “zzz”"],
    ["zzz", "zzz", false, "No results for “zzz”"],
    ["zzz ", "zzz ", true, "No results for “zzz”"],
  ]) {
    assert.equal(emptyMessage(search(text, answered), serverAnswers), expected, `${text}|${answered}|${serverAnswers}`);
  }
});

test("an answer for another text, or for no text, is none", () => {
  assert.equal(isAnswered({ text: "a", answered: "a", options: [] }), true);
  assert.equal(isAnswered({ text: "ab", answered: "a", options: [song] }), false);
  assert.equal(isAnswered({ text: "", answered: "", options: [] }), false);
});

test("screen readers say the number of results and the first one, after the answer", () => {
  assert.equal(spoken({ text: "noc", answered: "no", options: [song] }), "");
  assert.equal(spoken({ text: "noc", answered: "noc", options: [song] }), "1 result. Enter opens the first: Nocturne.");
  assert.equal(spoken({ text: "noc", answered: "noc", options: [song, song] }), "2 results. Enter opens the first: Nocturne.");
  assert.equal(spoken({ text: "zzz", answered: "zzz", options: [] }), "No results for “zzz”");
});
