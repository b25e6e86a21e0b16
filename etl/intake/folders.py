"""Files are collected from a folder of this machine, or one that is mounted."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator, Sequence

from . import places


_BLOCK_SIZE = 262_144


class Folder:
    """Takes regular files; links and folders in it are passed over."""

    origin = "FOLDER"

    def __init__(self, path: str) -> None:
        self._path = pathlib.Path(path).absolute()
        self.name = str(self._path)

    def entries(self) -> Sequence[places.Entry]:
        found = []
        try:
            names = os.listdir(self._path)  # noqa: PTH208 - names, whatever their bytes
        except OSError as error:
            raise places.UnavailableError(error.strerror or str(error)) from error
        for name in filter(places.is_taken, names):
            with contextlib.suppress(OSError):  # gone meanwhile, or no regular file
                found.append(self.look_at(name))
        return found

    def look_at(self, name: str) -> places.Entry:
        return _entry(name, (self._path / name).lstat())

    def blocks(self, entry: places.Entry, *, offset: int) -> Iterator[bytes]:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(self._path / entry.name, flags), "rb") as file:
            if _entry(entry.name, os.fstat(file.fileno())) != entry:
                return
            file.seek(offset)
            left = entry.size - offset
            while left and (block := file.read(min(left, _BLOCK_SIZE))):
                left -= len(block)
                yield block

    def move(self, entry: places.Entry, folder: str) -> None:
        target = self._path / folder
        target.mkdir(parents=True, exist_ok=True)
        for name in places.free_names(entry.name):
            with contextlib.suppress(FileExistsError):
                # The name is ours before the file takes it.
                os.close(os.open(target / name, os.O_CREAT | os.O_EXCL, mode=0o600))
                try:
                    (self._path / entry.name).replace(target / name)
                except OSError:
                    (target / name).unlink()
                    raise
                return
        raise FileExistsError(f"{target} holds too many files of this name")

    def delete(self, entry: places.Entry) -> None:
        (self._path / entry.name).unlink()

    def close(self) -> None:
        pass


def _entry(name: str, found: os.stat_result) -> places.Entry:
    if not stat.S_ISREG(found.st_mode):
        raise places.ChangedError("not a regular file")
    return places.Entry(name=name, size=found.st_size, modified_at=found.st_mtime_ns)
