from __future__ import annotations

import pytest

from etl.intake import ssh


class TestAddress:
    @pytest.mark.parametrize(
        ("path", "folder"),
        [
            ("", "/"),
            ("/in/d0010/", "/in/d0010"),
            ("/~", "."),
            ("/~/in", "in"),
            ("/~other/in", "/~other/in"),
            ("/with%20blank", "/with blank"),
        ],
        ids=[
            "none",
            "absolute",
            "the user's own",
            "below the user's own",
            "no user's own",
            "quoted",
        ],
    )
    def test_names_a_folder(self, path: str, folder: str) -> None:
        address = ssh.Address.of(f"sftp://d0010@host.example:2222{path}")

        assert (address.folder, address.port) == (folder, 2222)
