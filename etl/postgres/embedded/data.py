"""The data of one PostgreSQL: how it is made, and made usable after a crash."""

import os
import pathlib
import shutil
import tempfile

from etl.postgres.embedded import place as places


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
port = {places.PORT}
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


def create(place: places.Place) -> None:
    """
    Make the data of a new server.

    :raises EmbeddedServerError: if it can't be made
    """
    # Under its final name the data is always whole, even if this process is killed.
    account = place.account
    new = pathlib.Path(tempfile.mkdtemp(prefix=f"{place.data.name}.new-", dir=place.home))
    if account:
        os.chown(new, account.pw_uid, account.pw_gid)
    failure = place.run(
        "initdb",
        place.home,
        f"--pgdata={new}",
        f"--username={places.USER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    )
    if failure is not None:
        shutil.rmtree(new, ignore_errors=True)
        who = f"the account {account.pw_name!r}" if account else "your account"
        raise places.EmbeddedServerError(
            f"The embedded PostgreSQL's data could not be created ({places.gist(failure)}); its "
            f"log is {place.log}; see that the disk of {place.home} has room and that "
            f"{who} can reach it, or name another folder in D0010_DATA_DIR"
        )
    configuration = os.open(new / "postgresql.conf", os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    with os.fdopen(configuration, "w") as file:
        file.write(CONFIGURATION)
        file.flush()
        os.fsync(file.fileno())
    new.rename(place.data)


def disown_stale_locks(place: places.Place) -> None:
    """
    Let PostgreSQL see that nobody holds the lock files left by a server that was killed.

    It believes them if their process id is alive, whatever program has that id now. Removing
    them would also remove its other check, whether memory of that server is still in use;
    so only the id is replaced.
    """
    for name in ("postmaster.pid", f"{places.SOCKET_NAME}.lock"):
        stale = place.data / name
        if not stale.exists():
            continue
        # Root must not be led elsewhere by a link in the folder of another account.
        with os.fdopen(os.open(stale, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            rest = file.read().partition(b"\n")[2]
        new = place.home / f"{place.data.name}{name}.new"
        new.write_bytes(b"%d\n%b" % (DEAD_PID, rest))
        if account := place.account:
            os.chown(new, account.pw_uid, account.pw_gid)
        new.replace(stale)
