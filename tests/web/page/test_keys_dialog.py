"""The list of the keyboard's shortcuts."""

import re

from explorer.config import ROOT
from explorer.web.page.keys_dialog import KEYS, SKIP_LINKS

NAMES = {"Space": " ", "Esc": "Escape"}
NOT_ACTIONS = {"Ctrl+Z", "Ctrl+Y", "Escape", "Tab", "←", "↑", "→", "↓"}


def test_the_list_has_each_key_once_and_no_other():
    script = (ROOT / "assets" / "core" / "keys.js").read_text("utf-8")
    actions = script.split("const ACTIONS = {")[1].split("};")[0]
    pressed = set(re.findall(r'^  "?(.)"?: ', actions, re.MULTILINE))
    assert len(pressed) > 12
    listed = [
        NAMES.get(key, key) for rows in KEYS.values() for keys, _ in rows for key in keys.split() or [keys]
    ]
    assert len(listed) == len(set(listed))
    # "=" is the key of "+" without Shift.
    assert set(listed) - NOT_ACTIONS == pressed - {"="}


def test_escape_is_said_to_close_and_not_to_clear():
    (text,) = [text for rows in KEYS.values() for keys, text in rows if keys == "Esc"]
    assert "clear" not in text


def test_the_skip_links_lead_to_the_map_the_player_and_the_song():
    assert [target for target, _ in SKIP_LINKS] == ["map-frame", "play", "tab-song"]
