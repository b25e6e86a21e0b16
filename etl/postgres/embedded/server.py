"""
A PostgreSQL server of the user's own, started on demand and stopped by its last user.

All that belongs to one server lies in one folder, its home: `pgNN` (the data, and the socket),
`pgNN.log`, and two lock files. Every process that uses the server holds `pgNN.users` shared for as
long as it lives; the kernel lets go for a process that is killed. `pgNN.start` is held while the
server is started or stopped, so that whoever holds it sees a settled state.
"""

import atexit
import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import logging
import os
import pathlib
import signal
import stat
import sys
import time
from collections.abc import Iterator

from etl.postgres.embedded import instance, programs
from etl.postgres.embedded import place as places


logger = logging.getLogger(__name__)

_ROOT_HOME = pathlib.Path("/var/lib/d0010")
LOG_LIMIT = 10_000_000  # bytes
# Seconds that another process may take to start or to stop the server.
TURN = instance.RECOVERY + 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """What a client needs to connect, and the folder of the client programs."""

    host: str
    port: int
    user: str
    programs: pathlib.Path


@functools.cache
def at(home: str | None) -> "Server":
    """
    Return this process's handle of the server in `home`, or else in the user's own place.

    :raises EmbeddedServerError: if the user has no home folder, and names none
    """
    try:
        return Server(home=pathlib.Path(home or _default_home()).expanduser().resolve())
    except RuntimeError as error:
        raise places.EmbeddedServerError(
            f"There is no place for the embedded PostgreSQL: {error}; name a folder of your own "
            "in D0010_DATA_DIR"
        ) from error


class Server:
    """The server whose files lie in `home`; nothing is touched before `ensure_running`."""

    def __init__(self, *, home: pathlib.Path) -> None:
        self.home = home
        self._users_lock: int | None = None
        self._users_lock_pid = 0
        self._databases: set[str] = set()

    @property
    def data(self) -> pathlib.Path:
        return self._place.data

    def ensure_running(self, *, database: str, is_in_doubt: bool = False) -> Address:
        """
        Start the server if it is not running, and create the database if it does not exist.

        The server then runs at least until this process ends. Where a connection has failed since
        this was called before, the server is in doubt: it is then waited for, or started anew.

        :raises EmbeddedServerError: if there is no PostgreSQL to run, if the data cannot be
            created or belongs to another user or major version, or if the server does not start
        """
        try:
            is_known = self._is_joined and database in self._databases
            if is_in_doubt or not (is_known and self._instance.is_listening()):
                self.prepare_home()
                with self._start_lock():
                    self._join_users()
                    self._instance.serve(database)
                    self._databases.add(database)
            return Address(
                host=str(self._place.socket_folder),
                port=places.PORT,
                user=places.USER,
                programs=self._found.folder,
            )
        except programs.ProgramsError as error:
            raise places.EmbeddedServerError(
                f"The embedded PostgreSQL cannot run: {error}"
            ) from error
        except OSError as error:
            raise places.EmbeddedServerError(
                f"The embedded PostgreSQL cannot be used: {error}; see that {self.home} is "
                "yours and its disk has room, or name another folder in D0010_DATA_DIR"
            ) from error

    def release(self) -> None:
        """
        Let go of the server, and stop it if nobody else uses it.

        A forked child leaves its parent's server alone.

        :raises EmbeddedServerError: if another process starts or stops it and does not end
        """
        if not self._is_joined or self._users_lock is None:
            return
        with self._start_lock():
            if _is_held_alone(self._users_lock):
                self._instance.stop()
            # Closing alone would not let go while a forked child has the file open too.
            fcntl.flock(self._users_lock, fcntl.LOCK_UN)
        os.close(self._users_lock)
        self._users_lock = None

    def _release_undisturbed(self) -> None:
        # This process is ending as it is, and would leave the server running.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        try:
            self.release()
        except (OSError, places.EmbeddedServerError) as error:
            logger.warning("The embedded PostgreSQL was not stopped: %s", error)

    # The home and its locks.

    def prepare_home(self) -> pathlib.Path:
        """
        Make the home if it does not exist, and return where it is.

        :raises EmbeddedServerError: if it is not this user's alone
        """
        self._make_home()
        account = self._place.account
        if account is None or programs.can_pass(account, self.home):
            return self.home
        # Root named a place inside a private folder, such as `mktemp -d` makes. The account that
        # the server runs as can't go there, so the data lies where it can; the named place says.
        named = self.home
        self.home = _ROOT_HOME / hashlib.sha256(os.fsencode(named)).hexdigest()[:16]
        del self._place
        self._make_home()
        with contextlib.suppress(FileExistsError):
            (named / "data-lies-here").symlink_to(self.home)
        return self.home

    def _make_home(self) -> None:
        _make_private(self.home)
        majors = sorted(path.name for path in self.home.glob("pg[0-9][0-9]"))
        if majors and self.data.name not in majors:
            raise places.EmbeddedServerError(
                f"{self.home} holds data of another PostgreSQL ({', '.join(majors)}) than the "
                f"{self._found.version} in {self._found.folder}; dump and restore it "
                "(docker-free-setup.md says how), or move it away to start again"
            )

    def _start_lock(self) -> contextlib.AbstractContextManager[None]:
        return _held_alone(self.data.with_name(f"{self.data.name}.start"))

    @property
    def _is_joined(self) -> bool:
        return self._users_lock is not None and self._users_lock_pid == os.getpid()

    def _join_users(self) -> None:
        if self._is_joined:
            return
        if self._users_lock is None:
            atexit.register(self._release_undisturbed)
        else:  # the parent's, inherited by a fork
            os.close(self._users_lock)
        self._users_lock = _opened(self.data.with_name(f"{self.data.name}.users"))
        self._users_lock_pid = os.getpid()
        fcntl.flock(self._users_lock, fcntl.LOCK_SH)  # others hold it for long as this one does
        # A server that runs on goes on at the new end, since it opened its log for appending.
        log = self._place.log
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            os.truncate(log, 0)

    @property
    def _instance(self) -> instance.Instance:
        return instance.Instance(self._place)

    @functools.cached_property
    def _place(self) -> places.Place:
        folder = self.home / f"pg{self._found.major}"
        return places.Place(data=folder, found=self._found, shelf=_ROOT_HOME)

    @functools.cached_property
    def _found(self) -> programs.Programs:
        return programs.find()


def _make_private(home: pathlib.Path) -> None:
    # The account that the server runs as must be able to pass through a home of root's.
    mode = 0o755 if os.geteuid() == 0 else 0o700
    missing = [path for path in (home, *home.parents) if not path.exists()]
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):  # made by another process meanwhile
            folder.mkdir()
            folder.chmod(mode)
    status = home.stat()
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
        raise places.EmbeddedServerError(
            f"{home} belongs to another user or can be written by all; "
            "name a folder of your own in D0010_DATA_DIR"
        )


def _opened(lock_file: pathlib.Path) -> int:
    return os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


@contextlib.contextmanager
def _held_alone(lock_file: pathlib.Path) -> Iterator[None]:
    # Opened anew each time: the lock belongs to the open file, so threads exclude each other.
    lock = _opened(lock_file)
    deadline = time.monotonic() + TURN
    try:
        while not _is_held_alone(lock):
            if time.monotonic() > deadline:
                raise places.EmbeddedServerError(
                    "Another process has been starting or stopping the embedded PostgreSQL for "
                    f"{TURN} s; end the one that has {lock_file} open, as `lsof` tells"
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(lock)


def _is_held_alone(lock: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _default_home() -> str:
    if os.geteuid() == 0:
        return str(_ROOT_HOME)
    if sys.platform == "darwin":
        return "~/Library/Application Support/d0010"
    return "~/.local/share/d0010"
