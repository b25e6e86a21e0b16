"""A private folder in which files that are collected arrive whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
import time
from typing import BinaryIO

from . import places


# So much is on the disk for certain before more is written: after a crash a download goes on
# from there, since the disk may hold zeros where the rest should be.
SYNCED_STEP = 8 << 20  # bytes
_FORGOTTEN_AFTER = 7 * 24 * 60 * 60  # seconds


class Inbox:
    """Holds each file under its key, and as `.part` until all of it is there."""

    def __init__(self, folder: pathlib.Path) -> None:
        """
        Make the folder, if need be, and clear it of what nobody has finished for a week.

        :raises UnavailableError: if it can't be made, or others may write to it
        """
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise places.UnavailableError(f"{folder}: expected a folder of your own")
            if found.st_mode & 0o022:
                raise places.UnavailableError(
                    f"{folder}: others may write to it; make it private, as by chmod 700"
                )
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < time.time() - _FORGOTTEN_AFTER:
                        path.unlink()
        except OSError as error:
            raise places.UnavailableError(f"{folder}: {error.strerror}") from error

    def fetch(self, place: places.Place, entry: places.Entry) -> pathlib.Path:
        """
        Bring the file here, from where an earlier try has left off, and return where it is.

        :raises ChangedError: if it is not what was found
        :raises OSError: if it can't be read there, or written here
        :raises UnavailableError: if the place is lost on the way
        """
        whole = self._folder / entry.key(place.name)
        if whole.exists():
            return whole
        part = whole.with_suffix(".part")
        try:
            self._download(place, entry, part)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        part.rename(whole)
        self._sync_names()
        return whole

    def keys(self) -> list[str]:
        """Return the keys of the files that are here whole."""
        return [path.name for path in self._folder.iterdir() if not path.suffix]

    def drop(self, key: str) -> None:
        """Delete the file of this key, if another process has not."""
        (self._folder / key).unlink(missing_ok=True)

    def _download(self, place: places.Place, entry: places.Entry, part: pathlib.Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(part, flags, mode=0o600), "r+b") as file:
            steps = max(0, file.seek(0, os.SEEK_END) - 1) // SYNCED_STEP
            size = file.truncate(steps * SYNCED_STEP)
            file.seek(size)
            for block in place.blocks(entry, offset=size):
                file.write(block)
                size += len(block)
                if size // SYNCED_STEP > steps:
                    steps = size // SYNCED_STEP
                    _sync(file)
            _sync(file)
        if size != entry.size or place.look_at(entry.name) != entry:
            raise places.ChangedError(
                "it changed while it was fetched; it is left for the next pass"
            )

    def _sync_names(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
