"""The key that signs the sessions of the admin, where nobody has named one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import tempfile


def kept_in(folder: pathlib.Path) -> str:
    """
    Return the key that lies in this folder: made once, for its owner's eyes only.

    :raises OSError: if it can't be read or written
    """
    path = folder / "secret_key"
    if not path.exists():
        # Under its final name it is always whole, and the first of two processes makes it.
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=f"{path.name}.new-") as new:
            new.write(secrets.token_urlsafe(50))
            new.flush()
            os.fsync(new.fileno())
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(new.name)
    return path.read_text(encoding="ascii")
