"""
A PostgreSQL server of the user's own, started on demand and stopped by its last user.

All that belongs to one server lies in one folder, its home: `pgNN` (the data, and the socket),
`pgNN.log`, `secret_key` (which signs the sessions of the admin), and two lock files. Every process
that uses the server holds `pgNN.users` shared for as long as it lives; the kernel lets go for a
process that is killed. `pgNN.start` is held while the server is started or stopped, so that
whoever holds it sees a settled state.
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
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Iterator

import psycopg
from django.db import utils
from psycopg import sql

from etl.postgres.embedded import programs


logger = logging.getLogger(__name__)

USER = "postgres"
PORT = 5432  # no more than a part of the socket's name: there is no TCP
SOCKET_NAME = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 103  # bytes, on macOS; Linux allows four more
LOG_LIMIT = 10_000_000  # bytes
TIMEOUT = 300  # seconds; recovery after a crash can take minutes
# PostgreSQL takes the process with this id for gone, since no system counts that far.
DEAD_PID = 2**31 - 1

# The server asks for no password, because nobody else can come as far as asking: the socket has
# no permissions for others, and lies in the data folder, which PostgreSQL refuses to use unless
# it is private. It is named relative to that folder, so that its path is never too long for the
# server and the home can be moved. Statements and details are not logged, since they quote
# customers' data. Durability (fsync, synchronous_commit) stays as it is by default: on.
CONFIGURATION = f"""
cluster_name = 'd0010'
listen_addresses = ''
port = {PORT}
unix_socket_directories = '.'
unix_socket_permissions = 0700
shared_buffers = 256MB
maintenance_work_mem = 256MB
wal_level = minimal
max_wal_senders = 0
wal_buffers = 64MB
min_wal_size = 512MB
max_wal_size = 4GB
checkpoint_timeout = 15min
jit = off
log_checkpoints = off
log_error_verbosity = terse
log_min_error_statement = panic
"""


class EmbeddedServerError(utils.OperationalError):
    """The embedded PostgreSQL cannot be used; the message is one sentence for the user."""


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
        raise EmbeddedServerError(
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
        return self.home / f"pg{self._found.major}"

    def ensure_running(self, *, database: str) -> Address:
        """
        Start the server if it is not running, and create the database if it does not exist.

        The server then runs at least until this process ends.

        :raises EmbeddedServerError: if there is no PostgreSQL to run, if the data cannot be
            created or belongs to another user or major version, or if the server does not start
        """
        try:
            if not (self._is_joined and database in self._databases and self._is_listening()):
                self._prepare_home()
                with self._start_lock():
                    self._join_users()
                    self._start_and_create(database)
                    self._databases.add(database)
            return Address(
                host=str(self._socket_folder),
                port=PORT,
                user=USER,
                programs=self._found.folder,
            )
        except programs.ProgramsError as error:
            raise EmbeddedServerError(f"The embedded PostgreSQL cannot run: {error}") from error
        except OSError as error:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL cannot be used: {error}; see that {self.home} is "
                "yours and its disk has room, or name another folder in D0010_DATA_DIR"
            ) from error

    def secret_key(self) -> str:
        """
        Return the key that signs sessions: made once, for its owner's eyes only.

        :raises EmbeddedServerError: if the home can't be made
        :raises OSError: if the key can't be read or written
        """
        self._prepare_home()
        path = self.home / "secret_key"
        with self._start_lock():
            if not path.exists():
                new = path.with_name(f"{path.name}.new")
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
                with os.fdopen(os.open(new, flags, 0o600), "w") as file:
                    file.write(secrets.token_urlsafe(50))
                new.replace(path)
            return path.read_text(encoding="ascii")

    def release(self) -> None:
        """
        Let go of the server, and stop it if nobody else uses it.

        A forked child leaves its parent's server alone.
        """
        if not self._is_joined or self._users_lock is None:
            return
        with self._start_lock():
            try:
                fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._stop()
            # Closing alone would not let go while a forked child has the file open too.
            fcntl.flock(self._users_lock, fcntl.LOCK_UN)
        os.close(self._users_lock)
        self._users_lock = None

    def _release_undisturbed(self) -> None:
        # This process is ending as it is, and would leave the server running.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        self.release()

    # The home and its locks.

    def _prepare_home(self) -> None:
        self._make_home()
        if self._account is None or programs.can_pass(self._account, self.home):
            return
        # Root named a place inside a private folder, such as `mktemp -d` makes. The account that
        # the server runs as can't go there, so the data lies where it can; the named place says.
        named = self.home
        self.home = _root_home() / hashlib.sha256(os.fsencode(named)).hexdigest()[:16]
        self._make_home()
        with contextlib.suppress(FileExistsError):
            (named / "data-lies-here").symlink_to(self.home)

    def _make_home(self) -> None:
        # The account that the server runs as must be able to pass through a home of root's.
        mode = 0o755 if os.geteuid() == 0 else 0o700
        missing = [path for path in (self.home, *self.home.parents) if not path.exists()]
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):  # made by another process meanwhile
                folder.mkdir()
                folder.chmod(mode)
        status = self.home.stat()
        if status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
            raise EmbeddedServerError(
                f"{self.home} belongs to another user or can be written by all; "
                "name a folder of your own in D0010_DATA_DIR"
            )
        majors = sorted(path.name for path in self.home.glob("pg[0-9][0-9]"))
        if majors and self.data.name not in majors:
            raise EmbeddedServerError(
                f"{self.home} holds data of another PostgreSQL ({', '.join(majors)}) than the "
                f"{self._found.version} in {self._found.folder}; dump and restore it "
                "(docker-free-setup.md says how), or move it away to begin anew"
            )

    @contextlib.contextmanager
    def _start_lock(self) -> Iterator[None]:
        # Opened anew each time: the lock belongs to the open file, so threads exclude each other.
        lock = self._open_beside_data(".start")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

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
        self._users_lock = self._open_beside_data(".users")
        self._users_lock_pid = os.getpid()
        fcntl.flock(self._users_lock, fcntl.LOCK_SH)
        # A server that runs on goes on at the new end, since it opened its log for appending.
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            os.truncate(self._log, 0)

    def _open_beside_data(self, suffix: str, flags: int = os.O_RDWR) -> int:
        path = self.home / f"{self.data.name}{suffix}"
        return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    @property
    def _socket_folder(self) -> pathlib.Path:
        """The data folder, by a path short enough for a socket."""
        if len(os.fsencode(self.data / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            return self.data
        # Not in the folder that TMPDIR names, whose path may be long too.
        folder = pathlib.Path(f"/tmp/d0010-{os.geteuid()}")  # noqa: S108, looked at just below
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
        if status.st_uid != os.geteuid() or status.st_mode != stat.S_IFDIR | 0o700:
            raise EmbeddedServerError(
                f"{folder}, through which a long path is reached, is not a private folder of "
                "yours; have it removed, or name a shorter path in D0010_DATA_DIR"
            )
        link = folder / hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        with contextlib.suppress(FileExistsError):
            link.symlink_to(self.data)
        return link

    # Starting and stopping, with the start lock held.

    def _start_and_create(self, database: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while True:
            if not self._is_listening():
                self._start()
            try:
                return self._create_database(database)
            except psycopg.OperationalError as error:
                # It is still recovering or going down (there is no state without a connection),
                # or the template is in use; anything else will not pass by waiting.
                will_pass = error.sqlstate in {None, psycopg.errors.ObjectInUse.sqlstate}
                if not will_pass or time.monotonic() > deadline:
                    raise EmbeddedServerError(
                        f"The embedded PostgreSQL does not work ({error}); its log is "
                        f"{self._log}; see that the disk of {self.home} has room"
                    ) from error
                time.sleep(0.2)

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket_folder / SOCKET_NAME))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True

    def _create_database(self, database: str) -> None:
        with (
            psycopg.connect(
                host=str(self._socket_folder),
                port=PORT,
                user=USER,
                dbname="postgres",
                autocommit=True,
            ) as connection,
            # Somebody may create it by another way at this very moment.
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            known = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [database]
            ).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def _start(self) -> None:
        # Not all that is new: root's copy of the programs may be in the making beside it.
        for abandoned in self.home.glob(f"{self.data.name}.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if not self.data.exists():
            self._create_data()
        deadline = time.monotonic() + TIMEOUT
        while True:
            self._disown_stale_locks()
            failure = self._pg_ctl("start")
            if failure is None:
                return
            # The processes of a server that was killed take about a second to notice.
            if "pre-existing shared memory" not in failure or time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"The embedded PostgreSQL did not start ({_gist(failure)}); its log is "
                    f"{self._log}; see that the disk of {self.home} has room, then run the "
                    "command again"
                )
            time.sleep(0.2)

    def _create_data(self) -> None:
        # Under its final name the data is always whole, even if this process is killed.
        new = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.data.name}.new-", dir=self.home))
        if self._account:
            os.chown(new, self._account.pw_uid, self._account.pw_gid)
        failure = self._run(
            "initdb",
            self.home,
            f"--pgdata={new}",
            f"--username={USER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
            "--no-instructions",
        )
        if failure is not None:
            shutil.rmtree(new, ignore_errors=True)
            account = f"the account {self._account.pw_name!r}" if self._account else "your account"
            raise EmbeddedServerError(
                f"The embedded PostgreSQL's data could not be created ({_gist(failure)}); its log "
                f"is {self._log}; see that the disk of {self.home} has room and that "
                f"{account} can reach it, or name another folder in D0010_DATA_DIR"
            )
        configuration = os.open(new / "postgresql.conf", os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        with os.fdopen(configuration, "w") as file:
            file.write(CONFIGURATION)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.data)

    def _disown_stale_locks(self) -> None:
        """
        Let PostgreSQL see that nobody holds the lock files left by a server that was killed.

        It believes them if their process id is alive, whatever program has that id now. Removing
        them would also remove its other check, whether memory of that server is still in use;
        so only the id is replaced.
        """
        for name in ("postmaster.pid", f"{SOCKET_NAME}.lock"):
            stale = self.data / name
            if not stale.exists():
                continue
            # Root must not be led elsewhere by a link in the folder of another account.
            with os.fdopen(os.open(stale, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                rest = file.read().partition(b"\n")[2]
            new = self.home / f"{self.data.name}{name}.new"
            new.write_bytes(b"%d\n%b" % (DEAD_PID, rest))
            if self._account:
                os.chown(new, self._account.pw_uid, self._account.pw_gid)
            new.replace(stale)

    def _stop(self) -> None:
        # Only while it answers, since otherwise the id in its pid file may be another program's.
        if self._is_listening() and self._pg_ctl("stop", "--mode=fast") is not None:
            logger.warning("The embedded PostgreSQL did not stop; its log is %s", self._log)

    # PostgreSQL's programs.

    @functools.cached_property
    def _found(self) -> programs.Programs:
        return programs.find()

    @property
    def _account(self) -> pwd.struct_passwd | None:
        """The account that the server runs as where it is not the user's own: it refuses root."""
        if os.geteuid() != 0:
            return None
        owner = self.data.stat().st_uid if self.data.exists() else None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                account = pwd.getpwnam(name)
                if owner in {None, account.pw_uid}:
                    return account
        raise EmbeddedServerError(
            "PostgreSQL does not run as root, and neither 'postgres' nor 'nobody' owns "
            f"{self.data}; run the command as an ordinary user"
        )

    @functools.cached_property
    def _runnable(self) -> programs.Programs:
        return self._found.for_account(account=self._account, shelf=_root_home())

    @property
    def _log(self) -> pathlib.Path:
        return self.home / f"{self.data.name}.log"

    def _pg_ctl(self, *arguments: str) -> str | None:
        # It hands the path to a shell, so it gets one that has nothing special in it.
        return self._run(
            "pg_ctl", self.data, "--pgdata=.", "--wait", f"--timeout={TIMEOUT}", *arguments
        )

    def _run(self, program: str, folder: pathlib.Path, *arguments: str) -> str | None:
        """Run the program, its output going to the log; if it fails, return its output."""
        with os.fdopen(self._open_beside_data(".log", os.O_RDWR | os.O_APPEND), "rb+") as log:
            start = log.seek(0, os.SEEK_END)
            if self._runnable.run(
                program, *arguments, account=self._account, folder=folder, output=log
            ):
                return None
            log.seek(start)
            return log.read().decode(errors="replace")


def _gist(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"FATAL|PANIC|ERROR|error:|signal", line)]
    return " / ".join((telling or lines)[-3:]) or "it printed nothing"


def _root_home() -> pathlib.Path:
    return pathlib.Path("/var/lib/d0010")


def _default_home() -> str:
    if os.geteuid() == 0:
        return str(_root_home())
    if sys.platform == "darwin":
        return "~/Library/Application Support/d0010"
    return "~/.local/share/d0010"
