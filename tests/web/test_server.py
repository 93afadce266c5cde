import socket
import subprocess
import sys

import pytest

from explorer.config import PORTS, ROOT, Settings
from explorer.errors import ExplorerError
from explorer.web.server import _listen


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_in_use_is_a_sentence(library, taken):
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--db", str(library[0])]
    done = subprocess.run([*command, "--port", str(taken)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{taken} cannot be listened on" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_next_free_port_is_taken_unless_one_was_asked_for(taken):
    with pytest.raises(ExplorerError, match=str(taken)):
        _listen(Settings(port=taken))
    listeners = []
    try:
        for _ in range(2):
            listeners.append(_listen(Settings()))
            listeners[-1].listen()
        first, second = (listener.getsockname()[1] for listener in listeners)
        assert first in PORTS
        assert second in PORTS
        assert first < second
    finally:
        for listener in listeners:
            listener.close()
