"""Tests of the settings."""

import pytest

from explorer.config import Settings


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.20", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_only_a_server_for_this_machine_allows_changes_by_itself(host, allowed):
    assert Settings(host=host).allow_changes is allowed
    assert Settings(host=host, changes_from_network=True).allow_changes is True
