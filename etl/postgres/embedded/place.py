"""Where one PostgreSQL lies: its data, its log, its socket, and the account that it runs as."""

import contextlib
import functools
import hashlib
import os
import pathlib
import pwd
import re
import stat

from django.db import utils

from etl.postgres.embedded import programs


USER = "postgres"
PORT = 5432  # no more than a part of the socket's name: there is no TCP
SOCKET_NAME = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 103  # bytes, on macOS; Linux allows four more


class EmbeddedServerError(utils.OperationalError):
    """The embedded PostgreSQL cannot be used; the message is one sentence for the user."""


class Place:
    """The data folder of a server, which may not exist yet, and what lies beside and in it."""

    def __init__(
        self, *, data: pathlib.Path, found: programs.Programs, shelf: pathlib.Path
    ) -> None:
        self.data = data
        self.home = data.parent
        self._found = found
        self._shelf = shelf

    @property
    def account(self) -> pwd.struct_passwd | None:
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

    @property
    def log(self) -> pathlib.Path:
        return self.data.with_name(f"{self.data.name}.log")

    @property
    def socket_folder(self) -> pathlib.Path:
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

    @functools.cached_property
    def _runnable(self) -> programs.Programs:
        return self._found.for_account(account=self.account, shelf=self._shelf)

    def pg_ctl(self, *arguments: str, seconds: int) -> str | None:
        """Start or stop the server, waiting so long for it; if it fails, return the output."""
        # It hands the path to a shell, so it gets one that has nothing special in it.
        return self.run(
            "pg_ctl", self.data, "--pgdata=.", "--wait", f"--timeout={seconds}", *arguments
        )

    def run(self, program: str, folder: pathlib.Path, *arguments: str) -> str | None:
        """Run the program, its output going to the log; if it fails, return its output."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(self.log, flags, 0o600), "rb+") as log:
            start = log.seek(0, os.SEEK_END)
            if self._runnable.run(
                program, *arguments, account=self.account, folder=folder, output=log
            ):
                return None
            log.seek(start)
            return log.read().decode(errors="replace")


def gist(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"FATAL|PANIC|ERROR|error:|signal", line)]
    return " / ".join((telling or lines)[-3:]) or "it printed nothing"
