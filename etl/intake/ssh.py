"""
One connection to an sFTP server, by paramiko.

Its own listing ends at the first name that is no UTF-8, and its prefetch leaves a thread behind
that dies with a traceback when the connection does; so both are done here, by its requests.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import stat
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import paramiko
from paramiko import sftp

from . import places


TIMEOUT = 30  # seconds without a sign of the server
_READ_SIZE = 32_768  # bytes, as every server allows
_LARGEST_READ = 261_120  # bytes, what OpenSSH allows: a packet holds its answer
_LARGEST_PACKET = 262_144  # bytes
BYTES_AHEAD = 4 << 20  # as many as are asked for before they come
_HOME = "/~"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Login:
    """By what the server is known, and by what this side is; the password is a key's, if any."""

    host_key_file: str
    key_file: str = ""
    password: str = dataclasses.field(default="", repr=False)


class AddressError(ValueError):
    """No address of a folder; the message says why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """What `sftp://user@host[:port]/folder` says; `/~/folder` lies below where one logs in."""

    host: str
    port: int
    user: str
    folder: str

    @classmethod
    def of(cls, text: str) -> Address:
        """
        Read an address.

        :raises AddressError: if it is none, or holds a password, which others could see
        """
        try:
            parts = urllib.parse.urlsplit(text)
            port = parts.port or paramiko.config.SSH_PORT
        except ValueError as error:
            raise AddressError(str(error)) from error
        if parts.password is not None:
            raise AddressError("a password in it is seen by others; use --password-file")
        if not parts.hostname or not parts.username or parts.query or parts.fragment:
            raise AddressError("expected sftp://USER@HOST/FOLDER or sftp://USER@HOST:PORT/FOLDER")
        folder = urllib.parse.unquote(parts.path).rstrip("/") or "/"
        if folder == _HOME or folder.startswith(f"{_HOME}/"):
            folder = folder[len(_HOME) + 1 :] or "."
        user = urllib.parse.unquote(parts.username)
        return cls(host=parts.hostname, port=port, user=user, folder=folder)


class Connection:
    """Made by `open`, and again after `close`; `client` is paramiko's while it is there."""

    client: Any = None  # untyped, since its requests are used
    _read_size = _READ_SIZE  # bytes

    def __init__(self, address: Address, login: Login) -> None:
        """
        Read what the login names.

        :raises UnavailableError: if the key or the host keys can't be read
        """
        self._address, self._login = address, login
        self._key = _key(login) if login.key_file else None
        self._ssh = paramiko.SSHClient()
        self._ssh.set_missing_host_key_policy(_Refusal(login))
        try:
            self._ssh.load_host_keys(login.host_key_file)
        except (OSError, paramiko.SSHException, ValueError) as error:
            raise places.UnavailableError(f"{login.host_key_file}: {reason(error)}") from error

    @property
    def is_alive(self) -> bool:
        return self.client is not None and not self.client.get_channel().closed

    def open(self) -> None:
        """
        Connect, unless it is: the server shows who it is before anything is told to it.

        :raises UnavailableError: if it is not known, or does not let the user in
        """
        if self.client is not None:
            return
        address = self._address
        try:
            self._ssh.connect(
                address.host,
                address.port,
                address.user,
                password=None if self._key else self._login.password,
                pkey=self._key,
                look_for_keys=False,
                allow_agent=False,
                timeout=TIMEOUT,
                banner_timeout=TIMEOUT,
                auth_timeout=TIMEOUT,
                channel_timeout=TIMEOUT,
            )
        except paramiko.BadHostKeyException as error:
            raise places.UnavailableError(
                f"its host key is not the one in {self._login.host_key_file}, but"
                f" {_fingerprint(error.key)}: somebody may have taken its place; nothing was sent."
                " Ask its owner before you change the file"
            ) from error
        except paramiko.AuthenticationException as error:
            raise places.UnavailableError(
                f"it does not let {address.user} in: {reason(error).rstrip('.')}"
            ) from error
        transport: Any = self._ssh.get_transport()
        client: Any = paramiko.SFTPClient.from_transport(
            transport, window_size=BYTES_AHEAD, max_packet_size=_LARGEST_PACKET
        )
        client.get_channel().settimeout(TIMEOUT)
        self.client = client
        self._read_size = self._allowed_read_size()

    def close(self) -> None:
        self.client = None
        self._ssh.close()

    def entries(self, folder: bytes) -> Sequence[places.Entry]:
        """Return the regular files of a folder, whatever the bytes of their names."""
        _, answer = self.client._request(sftp.CMD_OPENDIR, folder)  # noqa: SLF001 - see above
        handle = answer.get_binary()
        found = []
        try:
            while True:
                _, answer = self.client._request(sftp.CMD_READDIR, handle)  # noqa: SLF001 - see above
                for _ in range(answer.get_int()):
                    name = os.fsdecode(answer.get_binary())
                    answer.get_binary()  # as `ls -l` has it
                    attributes: Any = paramiko.SFTPAttributes()
                    attributes._unpack(answer)  # noqa: SLF001 - see above
                    if stat.S_ISREG(attributes.st_mode or stat.S_IFREG):
                        found.append(entry_of(name, attributes))
        except EOFError:  # those were all
            self.client._request(sftp.CMD_CLOSE, handle)  # noqa: SLF001 - see above
            return found

    def _allowed_read_size(self) -> int:
        """Ask how much may be read at once, as OpenSSH's PROTOCOL has it (4.8)."""
        try:
            _, answer = self.client._request(sftp.CMD_EXTENDED, "limits@openssh.com")  # noqa: SLF001 - see above
        except (TimeoutError, ConnectionError):
            raise
        except OSError:  # it does not know the question
            return _READ_SIZE
        answer.get_int64()  # the longest packet
        allowed: int = answer.get_int64()
        return max(_READ_SIZE, min(allowed, _LARGEST_READ))

    def blocks(self, path: bytes, *, offset: int, size: int) -> Iterator[bytes]:
        """Read a file with many requests under way, so that the distance costs little."""
        with self.client.open(path) as file:
            answers = _Answers(self.client, file.handle)
            asked = offset
            pending: collections.deque[tuple[int, int]] = collections.deque()
            while asked < size or pending:
                while asked < size and asked < offset + BYTES_AHEAD:
                    length = min(self._read_size, size - asked)
                    pending.append((answers.ask(asked, length), length))
                    asked += length
                number, length = pending.popleft()
                data = answers.wait_for(number)
                offset += len(data)
                if data:
                    yield data
                if len(data) < length:  # it gives less at once, or ends here
                    for late, _ in pending:
                        answers.wait_for(late)
                    pending.clear()
                    asked = offset if data else size


class _Answers:
    """What a server answers to reads of one file, in whatever order."""

    def __init__(self, client: Any, handle: bytes) -> None:
        self._client, self._handle = client, handle
        self._answers: dict[int, tuple[int, Any]] = {}

    def ask(self, offset: int, size: int) -> int:
        number: int = self._client._async_request(  # noqa: SLF001 - see above
            self, sftp.CMD_READ, self._handle, sftp.int64(offset), size
        )
        return number

    def wait_for(self, number: int) -> bytes:
        """Return what was read, nothing at the end of the file."""
        while number not in self._answers:
            self._client._read_response()  # noqa: SLF001 - see above
        kind, answer = self._answers.pop(number)
        if kind == sftp.CMD_DATA:
            data: bytes = answer.get_string()
            return data
        try:
            self._client._convert_status(answer)  # noqa: SLF001 - see above
        except EOFError:
            return b""
        raise sftp.SFTPError("expected data")

    def _async_response(self, kind: int, answer: Any, number: int) -> None:
        self._answers[number] = kind, answer


class _Refusal(paramiko.MissingHostKeyPolicy):
    def __init__(self, login: Login) -> None:
        self._file = login.host_key_file

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - the signature is paramiko's
        hostname: str,
        key: paramiko.PKey,
    ) -> NoReturn:
        raise places.UnavailableError(
            f"its host key is not in {self._file}; nothing was sent. If its owner confirms"
            f" {_fingerprint(key)}, add: {hostname} {key.get_name()} {key.get_base64()}"
        )


def _fingerprint(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"


def entry_of(name: str, found: paramiko.SFTPAttributes) -> places.Entry:
    return places.Entry(name=name, size=found.st_size or 0, modified_at=found.st_mtime or 0)


def _key(login: Login) -> paramiko.PKey:
    password: Any = login.password.encode() or None  # which is declared as text
    try:
        key: paramiko.PKey = paramiko.PKey.from_path(login.key_file, password)
    except (OSError, paramiko.SSHException, ValueError, TypeError) as error:
        raise places.UnavailableError(
            f"the key {login.key_file} can't be read: {reason(error)}"
        ) from error
    return key


def reason(error: Exception) -> str:
    """Return what an error says, in one line; what the system has a word for, in that."""
    text = str(error)
    if isinstance(error, OSError):
        number = error.errno or 0
        text = os.strerror(number) if number > 0 else error.strerror or text
    return (text or type(error).__name__).partition("\n")[0]
