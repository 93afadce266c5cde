"""The server's connections: how many there are, how long they may be idle, and what they hold in memory.

waitress does the work. Its main loop reads all requests and sends all answers; threads compute the answers.
No thread waits for a client: an answer is kept in memory until the main loop has sent it, and a file that is
streamed is read by the main loop, as fast as its client takes it. Nothing is kept in temporary files: a full
disk would damage answers.
"""

from __future__ import annotations

import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import partial

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer, ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from explorer.web.admission import Admission, BoundedParser, SentenceTask
from explorer.web.security import MAX_UPLOAD_BYTES

THREADS = 32
MAX_CONNECTIONS = 1000
MAX_HELD_BYTES = 256 << 20
"""How much of all answers may wait in memory for clients that do not read them."""

IDLE_S, STALLED_S, RECEIVE_S = 60, 300, 20
"""How long a connection may be idle between requests, and take nothing of an answer; how long a request may
take to arrive, besides the time that its size needs at RECEIVE_BYTES_PER_S."""

RECEIVE_BYTES_PER_S = 32 << 10

_LINGER_S = 2
_SEND_BYTES = 1 << 18  # What one connection may send before the others have their turn.
_CHECK_BYTES = 16 << 20
_MAX_PIPELINED = 2  # Each request may open a file.
_FILES_PER_CONNECTION, _OTHER_FILES = 1 + _MAX_PIPELINED, 256
_UNLIMITED = 1 << 62


class Connection(HTTPChannel):
    """A connection to one client. It waits for its client without a thread, and closes if that takes long."""

    error_task_class = SentenceTask
    lingers = False
    """Whether to wait a little before closing: data that was not read makes the system reset the connection,
    and many clients then lose the answer."""
    _lingers_until_s: float | None = None
    _may_send = _SEND_BYTES

    def __init__(self, server: Server, *details: object, **more: object) -> None:
        self.parser_class = partial(BoundedParser, server.admission)
        super().__init__(server, *details, **more)

    def is_overdue(self, now_s: float) -> bool:
        """Tell whether the client keeps the connection longer than it may."""
        if self._lingers_until_s is not None:
            return now_s > self._lingers_until_s
        if (request := self.request) is not None:  # Also if it follows one that is answered now.
            size = request.header_bytes_received + request.body_bytes_received
            return now_s - request.started_s > RECEIVE_S + size / RECEIVE_BYTES_PER_S
        if self.requests:  # A thread computes the answer.
            return False
        return now_s - self.last_activity > (STALLED_S if self.total_outbufs_len else IDLE_S)

    def held_bytes(self) -> int:
        """Return how much memory its answers take. What was sent of an answer is freed with its end."""
        return sum(_size(buffer) for buffer in list(self.outbufs) if isinstance(buffer, OverflowableBuffer))

    def readable(self) -> bool:
        """Tell whether the main loop calls `handle_read`; it asks connections that were just closed, too."""
        return self.connected and self._lingers_until_s is None and super().readable()

    def writable(self) -> bool:
        """Tell whether the main loop calls `handle_write`."""
        return self.connected and self._lingers_until_s is None and super().writable()

    def handle_write(self) -> None:
        """Send some of the answers; close the connection after the last one."""
        if self.lingers and self.close_when_flushed and not self.total_outbufs_len:
            self._lingers_until_s = time.time() + _LINGER_S
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
            return
        self._may_send = _SEND_BYTES
        super().handle_write()

    def write_soon(self, data: bytes | ReadOnlyFileBasedBuffer) -> int:
        """Add to an answer, and send some of it."""
        self._may_send = _SEND_BYTES
        added = super().write_soon(data)
        if not isinstance(data, ReadOnlyFileBasedBuffer):
            self.server.unchecked_bytes += added
        return added

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send bytes unless this connection has had its turn: a fast client must not delay the others."""
        if self._may_send <= 0:
            return 0
        sent = super().send(data, do_close)
        self._may_send -= sent
        return sent

    def _flush_some(self, do_close: bool = True) -> bool:
        """Send some of the answers. waitress calls this where no other thread adds to them."""
        is_sent = super()._flush_some(do_close)
        if self.connected and not self.total_outbufs_len:
            # waitress would keep an answer that was sent until the next request.
            self.outbufs[0] = OverflowableBuffer(_UNLIMITED)
            self.current_outbuf_count = 0
        return is_sent

    def received(self, data: bytes) -> bool:
        """Read requests. More than two at once are not answered: the client sends the others again."""
        is_read = super().received(data)
        with self.requests_lock:
            if len(self.requests) > _MAX_PIPELINED:
                for request in self.requests[_MAX_PIPELINED:]:
                    request.close()
                del self.requests[_MAX_PIPELINED:]
                self.requests[-1].headers["CONNECTION"] = "close"
        return is_read

    def service(self) -> None:
        """Answer a request, in a thread."""
        super().service()
        if not self.connected:
            with self.requests_lock:
                for request in self.requests:
                    request.close()

    def handle_close(self) -> None:
        """Close the connection, and forget what was received of the next request."""
        super().handle_close()
        if self.request is not None:
            received, self.request = self.request, self.parser_class(self.adj)
            received.close()


class Server(TcpWSGIServer):
    """Serves a WSGI app.

    Parameters
    ----------
    listener : socket.socket
        Bound to the server's address.
    admission : Admission
        Decides which requests are read.
    """

    channel_class = Connection

    def __init__(self, app: object, listener: socket.socket, admission: Admission) -> None:
        self.admission = admission
        self.unchecked_bytes = 0
        self._is_stopping = False
        self._max_connections = _allowed_connections()
        adjustments = Adjustments(
            threads=THREADS,
            ident=None,
            max_request_header_size=64 << 10,
            max_request_body_size=MAX_UPLOAD_BYTES + 1,
            inbuf_overflow=_UNLIMITED,
            outbuf_overflow=_UNLIMITED,
            # An answer that grows beyond this makes its thread wait for the client.
            outbuf_high_watermark=_UNLIMITED,
            # Read while a request is answered, to notice that its client has left.
            channel_request_lookahead=1,
            connection_limit=_UNLIMITED,
            cleanup_interval=1,
            asyncore_use_poll=True,
            log_socket_errors=False,
        )
        address = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(app, {}, True, listener, adj=adjustments, sockinfo=address, bind_socket=False)

    def readable(self) -> bool:
        """Tell whether new clients are accepted. The main loop asks in each round."""
        if self._is_stopping:
            raise SystemExit
        if self.unchecked_bytes > _CHECK_BYTES:
            self.unchecked_bytes = 0
            self._limit_memory()
        return super().readable()

    def close(self) -> None:
        """Stop listening. The trigger stays open, because threads that still answer a request write to it."""
        wasyncore.dispatcher.close(self)

    def stop(self) -> None:
        """End `run`; a signal handler may call this at any moment.

        The handler itself must not raise SystemExit: Python ignores exceptions in destructors and callbacks,
        and the signal would be lost if it arrived in one.
        """
        self._is_stopping = True
        with suppress(OSError):
            self.pull_trigger()

    def maintenance(self, now: float) -> None:
        """Close overdue connections; called every second."""
        for connection in list(self.active_channels.values()):
            if connection.is_overdue(now):
                connection.handle_close()

    def handle_accept(self) -> None:
        """Accept a client; if there are too many, close another connection.

        It is the one that was idle for longest, among those of the address with the most connections: so no
        single computer can keep the others out.
        """
        super().handle_accept()
        connections = list(self.active_channels.values())
        if len(connections) <= self._max_connections:
            return
        (address, _), *_ = Counter(connection.addr[0] for connection in connections).most_common(1)
        own = [
            connection
            for connection in connections
            if connection.addr[0] == address and not connection.requests
        ]
        if own:
            min(own, key=lambda connection: connection.last_activity).handle_close()
        else:
            connections[-1].handle_close()

    def _limit_memory(self) -> None:
        """Close the connections whose clients let most of their answers wait, if all hold too much."""
        held = {connection: connection.held_bytes() for connection in list(self.active_channels.values())}
        surplus = sum(held.values()) - MAX_HELD_BYTES
        for connection in sorted(held, key=held.get, reverse=True):
            if surplus <= 0:
                break
            surplus -= held[connection]
            connection.handle_close()


def _size(buffer: OverflowableBuffer) -> int:
    """Return how much memory a buffer takes: also for what was sent already."""
    return len(buffer.strbuf) if buffer.buf is None else sys.getsizeof(buffer.buf.file)


def _allowed_connections() -> int:
    """Raise this process's limit of open files if need be; return how many connections it then allows."""
    if sys.platform == "win32":
        return 400  # select() takes at most 512 sockets there.
    import resource

    wanted = MAX_CONNECTIONS * _FILES_PER_CONNECTION + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            wanted = soft
    return max(20, min(MAX_CONNECTIONS, (wanted - _OTHER_FILES) // _FILES_PER_CONNECTION))
