"""
A stand between a client and its server, which strikes at a chosen message between the two.

The project needs no hooks for it: it is given another address. A message is what the client sends
at once: a statement, a piece of COPY. What strikes is up to the test: a kill, a cut, a pause.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
import pathlib
import re
import socket
import threading
from collections.abc import Callable


_STATEMENT = re.compile(rb"/\* (\w+) \*/|\s*(BEGIN|\w+(?: \w+)?)")
_SYNC = b"S\0\0\0\4"
# Ready for the next statement, or for the data of COPY.
_READY = re.compile(rb"Z\x00\x00\x00\x05[ITE]\Z|\AG\x00\x00")
_TERMINATE = b"X\0\0\0\4"
TIMEOUT = 60  # seconds


class Moment(enum.Enum):
    """When to strike, seen from the server."""

    BEFORE = "before it gets the message"
    DURING = "while it works on it"
    AFTER = "when it has answered, and the client has not heard"


# Tells whether the connection is over with it.
Strike = Callable[[], bool]
IsChosen = Callable[[int, str], bool]


class Proxy:
    """Listens in `folder`, on a socket named as the server's, and passes on to `server`."""

    def __init__(self, *, folder: pathlib.Path, server: str | tuple[str, int], port: int) -> None:
        self.folder = folder
        # What was sent since the last `arm`, over which connection since then (from 0).
        self.sent: list[tuple[int, str]] = []
        self._connections = itertools.count()
        self._server = server
        self._is_chosen: IsChosen = lambda _connection, _label: False
        self._moment = Moment.BEFORE
        self._strike: Strike = lambda: True
        self.has_struck = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{port}"))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def messages(self) -> list[str]:
        return [label for _, label in self.sent]

    def arm(self, is_chosen: IsChosen, moment: Moment, strike: Strike) -> None:
        """Strike once, at the next message whose connection (from 0) and label are chosen."""
        self.sent = []
        self._connections = itertools.count()
        self.has_struck.clear()
        self._is_chosen, self._moment, self._strike = is_chosen, moment, strike

    def disarm(self) -> None:
        self.arm(lambda _connection, _label: False, Moment.BEFORE, lambda: True)

    def close(self) -> None:
        # A listener that is closed alone goes on accepting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            _Pair(self, client, _connect(self._server), next(self._connections))

    def strikes_at(self, data: bytes, connection: int) -> Moment | None:
        """Note a message; tell whether, and when, to strike at it."""
        label = _label(data)
        self.sent.append((connection, label))
        if self.has_struck.is_set() or not self._is_chosen(connection, label):
            return None
        return self._moment

    def strike(self) -> bool:
        self.has_struck.set()
        return self._strike()


class _Pair:
    """One client's connection."""

    def __init__(
        self, proxy: Proxy, client: socket.socket, server: socket.socket, number: int
    ) -> None:
        self._proxy, self._client, self._server, self._number = proxy, client, server, number
        self._is_held = False
        self._answered = threading.Event()
        back = threading.Thread(target=self._run, args=[self._pump_to_client], daemon=True)
        back.start()
        threading.Thread(target=self._run, args=[self._pump_to_server, back], daemon=True).start()

    def _run(self, pump: Callable[[], None], other: threading.Thread | None = None) -> None:
        # An end that closes, or is killed, is passed on as such.
        with contextlib.suppress(OSError):
            pump()
        self._answered.set()
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        if other is not None:
            other.join()
            self._client.close()
            self._server.close()

    def _pump_to_server(self) -> None:
        while data := self._client.recv(1 << 20):
            while len(data) < _statement_length(data):
                rest = self._client.recv(1 << 20)
                if not rest:  # killed while it sent
                    return
                data += rest
            moment = None if data == _TERMINATE else self._proxy.strikes_at(data, self._number)
            if moment is Moment.BEFORE and self._proxy.strike():
                return
            self._is_held = moment is Moment.AFTER and _wants_answer(data)
            self._server.sendall(data)
            if self._is_held:
                self._answered.wait(TIMEOUT)
            if moment in (Moment.DURING, Moment.AFTER) and self._proxy.strike():
                return

    def _pump_to_client(self) -> None:
        while data := self._server.recv(1 << 20):
            if not self._is_held:
                self._client.sendall(data)
            elif _READY.search(data):
                self._answered.set()


def _connect(server: str | tuple[str, int]) -> socket.socket:
    if isinstance(server, str):
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(server)
        return stream
    return socket.create_connection(server)


def _wants_answer(data: bytes) -> bool:
    return data.endswith(_SYNC) or data[:1] == b"c" or _statement_length(data) > 0


def _statement_length(data: bytes) -> int:
    """Return how many bytes a message with a simple statement has, 0 if it is another one."""
    # The rest of a piece of COPY may begin with this letter, but goes on with text.
    return 1 + int.from_bytes(data[1:5], "big") if data[:3] == b"Q\0\0" else 0


def _label(data: bytes) -> str:
    """Name a message by its step, by the first words of its statement, or by its kind."""
    statement = data[5:4096]
    if data[:3] == b"P\0\0":
        statement = statement.partition(b"\0")[2]  # behind the name of the statement
    elif not _statement_length(data):
        return {b"\0": "start", b"c": "COPY end"}.get(data[:1], "COPY data")
    found = _STATEMENT.match(statement)
    return next(filter(None, found.groups())).decode() if found else "other"
