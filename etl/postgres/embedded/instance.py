"""
How the processes of one PostgreSQL are started and ended.

Whoever calls sees to it that nobody else starts or stops them meanwhile. Nothing is waited for
without a limit: a server that does not come round is ended, which loses nothing that was
committed.
"""

import contextlib
import os
import shutil
import signal
import socket
import time

import psycopg
from psycopg import sql

from etl.postgres.embedded import data
from etl.postgres.embedded import place as places


RECOVERY = 300  # seconds that recovery after a crash may take
PATIENCE = 8  # seconds that it may be silent, or shutting down, before it is ended
CONNECT_TIMEOUT = 4  # seconds
CHECKPOINT = 60  # seconds, in which it writes what is in memory to the disk
FAST_STOP = 5  # seconds, since there is nothing left to write then
IMMEDIATE_STOP = 8  # seconds; after 5 PostgreSQL kills those of its processes that are left
KILL = 10  # seconds

# What a server says that comes round by itself; and what it, or libpq, says of one that may never
# do so, since it was told to stop while it recovered, or since its first process is stopped.
_RECOVERING = ("starting up", "recovery mode", "accepting connections")
_STUCK = ("shutting down", "timeout expired", "temporarily unavailable")


class Instance:
    """The processes of the PostgreSQL in this place, if there are any."""

    def __init__(self, place: places.Place) -> None:
        self.place = place

    def is_listening(self) -> bool:
        """Tell whether its first process is there, whatever state it is in."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(0)
            try:
                probe.connect(str(self.place.socket_folder / places.SOCKET_NAME))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            except BlockingIOError:  # others wait to be answered, as many as may
                pass
        return True

    def serve(self, database: str) -> None:
        """
        Start it if it is not running, and create the database if it does not exist.

        :raises EmbeddedServerError: if the data can't be created, or it does not start or answer
        """
        since = time.monotonic()
        stuck_since = None
        while True:
            if not self.is_listening():
                self._start()
            tried_at = time.monotonic()
            try:
                return self._create_database(database)
            except psycopg.OperationalError as error:
                is_stuck = _says(error, _STUCK)
                stuck_since = (stuck_since or tried_at) if is_stuck else None
                # Where there is no connection, there is no state.
                is_in_use = isinstance(error, psycopg.errors.ObjectInUse)
                will_pass = is_stuck or is_in_use or _says(error, _RECOVERING)
                limit = RECOVERY if will_pass else PATIENCE if error.sqlstate is None else 0
                if time.monotonic() - since > limit:
                    raise places.EmbeddedServerError(
                        f"The embedded PostgreSQL does not work ({error}); its log is "
                        f"{self.place.log}; see that the disk of {self.place.home} has room"
                    ) from error
            if stuck_since is not None and time.monotonic() - stuck_since > PATIENCE:
                self._end()
                stuck_since = None
            time.sleep(0.2)

    def stop(self) -> None:
        """
        Stop it if it runs.

        :raises EmbeddedServerError: if it can't be ended either
        """
        if not self.is_listening():
            return
        # A fast stop that comes while it recovers, or just before, as when the kernel has killed
        # one of its processes, leaves PostgreSQL 18 shutting down for ever. So it has to work
        # first, and a stop that takes long is known to be none.
        is_fit = self._has_written_all()
        if not is_fit or self.place.pg_ctl("stop", "--mode=fast", seconds=FAST_STOP) is not None:
            self._end()

    def _has_written_all(self) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError), self._connect() as connection:
                connection.execute(f"SET statement_timeout = '{CHECKPOINT}s'")
                connection.execute("CHECKPOINT")
                return True
            time.sleep(0.1)
        return False

    def _end(self) -> None:
        """End it, whatever state it is in; it recovers when it is started again."""
        if not self.is_listening():
            return
        # While it listens, the id is that of its first process.
        pid_file = self.place.data / "postmaster.pid"
        pid = int(pid_file.read_text(encoding="ascii").partition("\n")[0])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            self.place.pg_ctl("stop", "--mode=immediate", seconds=IMMEDIATE_STOP)
            if self.is_listening():
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + KILL
        while self.is_listening():
            if time.monotonic() > deadline:
                raise places.EmbeddedServerError(
                    f"The embedded PostgreSQL can't be ended: process {pid} outlives SIGKILL; see "
                    f"that the disk of {self.place.home} answers, or restart the machine"
                )
            time.sleep(0.01)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.place.socket_folder),
            port=places.PORT,
            user=places.USER,
            dbname="postgres",
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT,
        )

    def _create_database(self, database: str) -> None:
        with (
            self._connect() as connection,
            # Somebody may create it by another way at this very moment.
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            known = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [database]
            ).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def _start(self) -> None:
        place = self.place
        # Not all that is new: root's copy of the programs may be in the making beside it.
        for abandoned in place.home.glob(f"{place.data.name}.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if not place.data.exists():
            data.create(place)
        deadline = time.monotonic() + RECOVERY
        while True:
            data.disown_stale_locks(place)
            failure = place.pg_ctl("start", seconds=RECOVERY)
            if failure is None:
                return
            # The processes of a server that was killed take about a second to notice.
            if "pre-existing shared memory" not in failure or time.monotonic() > deadline:
                raise places.EmbeddedServerError(
                    f"The embedded PostgreSQL did not start ({places.gist(failure)}); its log is "
                    f"{place.log}; see that the disk of {place.home} has room, then run the "
                    "command again"
                )
            time.sleep(0.2)


def _says(error: psycopg.Error, words: tuple[str, ...]) -> bool:
    return any(word in str(error) for word in words)
