"""sFTP servers to collect from: asyncssh's in a thread, which does as told, and OpenSSH's."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import asyncssh
import psutil
import pytest

from tests import conftest


Collect = Callable[..., conftest.Ended]
USER, PASSWORD = "collector", "a secret"
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


class Server(Protocol):
    """What both have: an address, its files, and what a client needs."""

    folder: pathlib.Path
    source: str
    login: list[object]

    def cut(self) -> None:
        """Cut all connections."""
        ...

    def restart(self) -> None:
        """End at once, whatever is going on, and begin again at the same address."""
        ...


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def write_key(path: pathlib.Path) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(path))
    path.chmod(0o600)
    return key


def write_host_key(path: pathlib.Path, port: int, key: asyncssh.SSHKey) -> pathlib.Path:
    path.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    return path


@dataclasses.dataclass
class Orders:
    """What the server does beside serving; `seen` has what was asked of it."""

    most: int = 1 << 30  # bytes it gives of what is read at once
    on_read: Callable[[str, int], object] = lambda _name, _offset: None
    on_list: Callable[[list[asyncssh.SFTPName]], object] = lambda _names: None
    seen: list[str] = dataclasses.field(default_factory=list)
    reads: list[tuple[str, int, int]] = dataclasses.field(default_factory=list)


class ThreadServer:
    """asyncssh's."""

    def __init__(self, home: pathlib.Path) -> None:
        self.folder = home / "outgoing"
        self.folder.mkdir()
        self.orders = Orders()
        self.port = free_port()
        self.source = f"sftp://{USER}@127.0.0.1:{self.port}/outgoing"
        self.host_key = write_key(home / "host_key")
        self.user_key = write_key(home / "user_key")
        self.host_keys = write_host_key(home / "known_hosts", self.port, self.host_key)
        password = home / "password"
        password.write_text(f"{PASSWORD}\n")
        self.login = ["--host-key-file", self.host_keys, "--password-file", password]
        self._home = home
        self._loop = asyncio.new_event_loop()
        self.connections: set[Any] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.create_server(
            lambda: _Accept(self),
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key],
            sftp_factory=lambda channel: _Files(channel, self._home, self.orders),
            reuse_address=True,
        )

    def use_host_key(self, key: asyncssh.SSHKey) -> None:
        self.host_key = key
        self.restart()

    async def _abort(self) -> None:
        for connection in list(self.connections):
            connection.abort()

    async def _close(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()

    def cut(self) -> None:
        self._do(self._abort())

    def cut_from_within(self) -> None:
        """Cut, from where the server answers."""
        for connection in list(self.connections):
            connection.abort()

    def restart(self) -> None:
        self.stop()
        self._do(self._listen())

    def stop(self) -> None:
        self._do(self._close())
        self.cut()

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Accept(asyncssh.SSHServer):
    def __init__(self, server: ThreadServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._server.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncssh's
        self._server.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        self._server.orders.seen.append(f"user {username}")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._server.orders.seen.append("key")
        return username == USER and key.public_data == self._server.user_key.public_data

    def validate_password(self, username: str, password: str) -> bool:
        self._server.orders.seen.append(f"password {password}")
        return (username, password) == (USER, PASSWORD)


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: Any, home: pathlib.Path, orders: Orders) -> None:
        super().__init__(channel, chroot=str(home).encode())
        self._orders = orders

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        name = os.path.basename(os.fsdecode(file_obj.name))  # noqa: PTH119 - may be no path
        self._orders.reads.append((name, offset, size))
        self._orders.on_read(name, offset)
        found: bytes = super().read(file_obj, offset, min(size, self._orders.most))  # type: ignore[assignment] # awaits nothing
        return found

    async def scandir(self, path: bytes) -> Any:
        names = [name async for name in super().scandir(path)]
        self._orders.on_list(names)
        for name in names:
            yield name


class OpenSsh:
    """Debian's, with its own sFTP within."""

    def __init__(self, home: pathlib.Path) -> None:
        self.folder = home / "outgoing"
        self.folder.mkdir()
        self.port = free_port()
        user = psutil.Process().username()
        self.source = f"sftp://{user}@127.0.0.1:{self.port}{self.folder}"
        host_key, self.user_key = write_key(home / "host_key"), home / "user_key"
        (home / "authorized_keys").write_bytes(write_key(self.user_key).export_public_key())
        self.host_keys = write_host_key(home / "known_hosts", self.port, host_key)
        self.login = ["--host-key-file", self.host_keys, "--key", self.user_key]
        self._config = home / "sshd_config"
        self._config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {home / 'host_key'}\n"
            f"AuthorizedKeysFile {home / 'authorized_keys'}\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n"
            "MaxStartups 100\nSubsystem sftp internal-sftp\n"
        )
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(self._config)], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert time.monotonic() < deadline, "sshd did not come"
            time.sleep(0.01)

    def sftp(self, commands: str) -> None:
        """Have its own client do this."""
        subprocess.run(
            [
                "sftp", "-q", "-b", "-", "-i", str(self.user_key), "-P", str(self.port),
                "-o", f"UserKnownHostsFile={self.host_keys}", "-o", "IdentitiesOnly=yes",
                self.source.split("://")[1].split(":")[0],
            ],
            input=commands, text=True, check=True, capture_output=True, timeout=120,
        )  # fmt: skip

    def cut(self) -> None:
        for process in psutil.Process(self._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def restart(self) -> None:
        self.close()
        self._start()

    def close(self) -> None:
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        for process in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


@contextlib.contextmanager
def thread_server(home: pathlib.Path) -> Iterator[ThreadServer]:
    with contextlib.closing(ThreadServer(home)) as server:
        yield server


@contextlib.contextmanager
def open_ssh(home: pathlib.Path) -> Iterator[OpenSsh]:
    if not pathlib.Path(SSHD).exists():
        if os.environ.get("D0010_REQUIRE_SSHD") == "1":
            pytest.fail("D0010_REQUIRE_SSHD is set and there is no sshd")
        pytest.skip("needs an sshd: apt-get install openssh-server")
    with contextlib.closing(OpenSsh(home)) as server:
        yield server
