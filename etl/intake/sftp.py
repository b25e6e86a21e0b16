"""Files are collected from a folder of an sFTP server."""

from __future__ import annotations

import errno
import os
import posixpath
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import paramiko
from paramiko import sftp

from . import places, ssh


T = TypeVar("T")

PAUSES: Sequence[float] = (1, 4, 10)  # seconds before a lost connection is made again
_LOST = (
    paramiko.SSHException,
    sftp.SFTPError,
    EOFError,
    TimeoutError,
    ConnectionError,
    struct.error,
)
_FAULTS = (*_LOST, OSError, UnicodeDecodeError)


class Server:
    """
    A folder of a server, to which the connection is made when it is needed.

    One that is lost is made again some times; a download goes on from where it was.
    """

    origin = "SFTP"

    def __init__(self, text: str, login: ssh.Login) -> None:
        """
        Read the address, and what the login names.

        :raises AddressError: if the text is no address
        :raises UnavailableError: if a key or the host keys can't be read
        """
        address = ssh.Address.of(text)
        self.name = text.rstrip("/")
        self._folder = address.folder
        self._connection = ssh.Connection(address, login)
        self._made: set[str] = set()

    def entries(self) -> Sequence[places.Entry]:
        try:
            found = self._again(lambda: self._connection.entries(os.fsencode(self._folder)))
        except OSError as error:
            raise places.UnavailableError(f"can't be listed: {ssh.reason(error)}") from error
        return [entry for entry in found if places.is_taken(entry.name)]

    def look_at(self, name: str) -> places.Entry:
        path = self._path(self._folder, name)
        return self._again(lambda: ssh.entry_of(name, self._connection.client.lstat(path)))

    def blocks(self, entry: places.Entry, *, offset: int) -> Iterator[bytes]:
        path = self._path(self._folder, entry.name)
        failures = 0
        is_read = False
        while not is_read:
            try:
                self._connection.open()
                for block in self._connection.blocks(path, offset=offset, size=entry.size):
                    offset += len(block)
                    failures = 0
                    yield block
                is_read = True
            except _FAULTS as error:  # noqa: PERF203 - another try begins anew
                failures = self._recover(error, failures)

    def move(self, entry: places.Entry, folder: str) -> None:
        target = posixpath.join(self._folder, folder)
        if target not in self._made and not self._exists(target, ""):
            self._again(lambda: self._connection.client.mkdir(os.fsencode(target)))
        self._made.add(target)
        for name in places.free_names(entry.name):
            if not self._exists(target, name):
                self._rename(entry.name, self._path(target, name))
                return
        raise FileExistsError(f"{target} holds too many files of this name")

    def _rename(self, name: str, target: bytes) -> None:
        path = self._path(self._folder, name)
        self._again(lambda: self._connection.client.rename(path, target))

    def delete(self, entry: places.Entry) -> None:
        path = self._path(self._folder, entry.name)
        self._again(lambda: self._connection.client.remove(path))

    def close(self) -> None:
        self._connection.close()

    @staticmethod
    def _path(folder: str, name: str) -> bytes:
        return os.fsencode(posixpath.join(folder, name))

    def _exists(self, folder: str, name: str) -> bool:
        path = self._path(folder, name)
        try:
            self._again(lambda: self._connection.client.lstat(path))
        except FileNotFoundError:
            return False
        return True

    def _again(self, work: Callable[[], T]) -> T:
        failures = 0
        while True:
            try:
                self._connection.open()
                return work()
            except _FAULTS as error:  # noqa: PERF203 - another try begins anew
                failures = self._recover(error, failures)

    def _recover(self, error: Exception, failures: int) -> int:
        """
        Get ready for another try, if it is the connection that failed.

        :raises OSError: if it is the server's answer
        :raises UnavailableError: if there were enough tries
        """
        if self._connection.is_alive and not isinstance(error, _LOST):
            number = error.errno if isinstance(error, OSError) else None
            raise OSError(number or errno.EIO, ssh.reason(error)) from error
        self.close()
        if failures == len(PAUSES):
            raise places.UnavailableError(
                f"no answer in {failures + 1} tries: {ssh.reason(error)}"
            ) from error
        time.sleep(PAUSES[failures])
        return failures + 1
