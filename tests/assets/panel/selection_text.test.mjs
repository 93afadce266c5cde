/** What the user is told about selections. */
import assert from "node:assert/strict";
import test from "node:test";
import { newsText, notShownText } from "../../../assets/panel/selection_text.js";

test("a change is told in one sentence", () => {
  for (const [news, text] of [
    [{ kind: "added", count: 5 }, "“Rain” was added: 5 songs selected."],
    [{ kind: "removed", count: 0 }, "“Rain” was removed: no song is selected now."],
    [{ kind: "chosen", count: 1 }, "1 song selected."],
    [{ kind: "chosen-instead", count: 8, before: 1200 }, "8 songs selected instead of 1,200."],
    [{ kind: "chosen-too", count: 12, before: 8 }, "4 songs added: 12 songs selected."],
    [{ kind: "cleared", before: 8 }, "The selection was cleared: 8 songs."],
    [{ kind: "moved", position: 0, count: 3 }, "“Rain” is number 1 of 3 now."],
    [{ kind: "gone", count: 1, name: "Friday" }, "1 song of “Friday” is not in the library any more."],
    [{ kind: "gone", count: 2, name: "Friday" }, "2 songs of “Friday” are not in the library any more."],
  ]) {
    assert.equal(newsText(news, "Rain"), text);
  }
});

test("which songs are not listed is told with the reason, and nothing if all are", () => {
  assert.equal(notShownText({ hidden: 0, unmapped: 0, gone: 0 }), "");
  assert.equal(notShownText({ hidden: 1, unmapped: 0, gone: 2 }), "Not listed: 1 song is hidden on the map, 2 songs are not in the library any more.");
});

test("undo tells of the selection that came back or went", () => {
  assert.equal(newsText({ kind: "undone-back", name: "Friday", count: 20 }, ""), "Undone: “Friday” is back, with 20 songs.");
  assert.equal(newsText({ kind: "redone-gone", name: "Friday", count: 20 }, ""), "Redone: “Friday” was deleted.");
});
