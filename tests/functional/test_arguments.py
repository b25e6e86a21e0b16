"""Nothing named is never everything."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests import builder, conftest, depth
from warehouse import models


with_database = pytest.mark.django_db(transaction=True)

NOTHING = ["", " ", "\t\n", "\u00a0", "\u200b\u2060"]


class TestArgument:
    @pytest.mark.parametrize(
        "arguments",
        depth.some(
            [
                ["load_d0010"],
                ["load_d0010", "--batch", "--"],
                ["load_d0010", "--log-format"],
                ["load_d0010", str(conftest.SAMPLE)],
                ["reconcile", "--file"],
                ["export_readings", "--mpan"],
                ["export_readings", "--serial"],
                ["export_readings", "--since"],
                ["export_readings", "--until"],
                ["export_readings", "--output"],
                ["purge_staged_lines", "--older-than"],
                ["transform_pending", "--log-format"],
                ["migrate"],
                ["runserver"],
            ],
            one_of=4,
        ),
        ids=" ".join,
    )
    @pytest.mark.parametrize("nothing", NOTHING, ids=ascii)
    def test_in_which_there_is_nothing_is_wrong_usage(
        self, run: conftest.Run, arguments: list[str], nothing: str
    ) -> None:
        *_, last = arguments

        ended = run(*arguments, nothing)

        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("expected a value")
        assert ended.err.endswith("found nothing.")
        assert len(arguments) == 1 or f" after {last}," in ended.err

    def test_may_be_joined_to_its_option(self, run: conftest.Run) -> None:
        ended = run("export_readings", "--since=2024-01-01", "--serial=")

        assert (ended.code, ended.err) == (2, "expected a value after --serial, found nothing.")

    @with_database
    def test_of_bytes_that_are_no_text_is_there(self, run: conftest.Run) -> None:
        assert "failed (No such file or directory)" in run("load_d0010", "\udce9").out

    @with_database
    @pytest.mark.parametrize(
        "arguments",
        [
            ["load_d0010", ""],
            pytest.param(["reconcile", "--file="], marks=pytest.mark.thorough),
        ],
    )
    def test_ends_the_process_with_2_and_a_sentence(
        self, start: Callable[..., subprocess.Popen[str]], arguments: list[str]
    ) -> None:
        process = start(*arguments)
        out, err = process.communicate(timeout=60)

        assert (process.returncode, out) == (2, "")
        assert err.splitlines()[-1].startswith(
            f"manage.py {arguments[0]}: error: expected a value"
        )

    @pytest.mark.thorough
    @with_database
    def test_of_an_account_may_be_empty(
        self, run: conftest.Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "x")

        ended = run("createsuperuser", "--noinput", "--username", "ann", "--email", "")

        assert ended.code == 0


@with_database
class TestPeriod:
    def test_that_ends_before_it_begins_is_wrong_usage(self, run: conftest.Run) -> None:
        ended = run("export_readings", "--since", "2024-02-02", "--until", "2024-02-01")

        assert (ended.code, ended.out) == (2, "")
        assert ended.err == (
            "2024-02-02 is after 2024-02-01: expected the first day, then the last."
        )

    def test_may_be_a_day(self, run: conftest.Run) -> None:
        assert run("export_readings", "--since", "2024-02-01", "--until", "2024-02-01").code == 0


@with_database
class TestFileToReconcile:
    def test_is_the_one_of_that_name_before_one_of_that_hash(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", conftest.SAMPLE)
        sha256 = models.FlowFile.objects.get().sha256
        run("load_d0010", write(builder.simple(), sha256[:8]))

        by_name, by_hash = (run("reconcile", "--file", sha256[:length]) for length in (8, 9))

        assert by_name.out.splitlines()[1].endswith(f"{sha256[:8]} (loaded)")
        assert by_hash.out.splitlines()[1].endswith(f"{conftest.SAMPLE.name} (loaded)")
        assert run("reconcile", "--file", sha256[:6].upper()).code == 0

    @pytest.mark.parametrize("name", ["none.uff", "0123456789abcdef", "sample"])
    def test_that_there_is_not_is_wrong_usage(self, run: conftest.Run, name: str) -> None:
        run("load_d0010", conftest.SAMPLE)

        ended = run("reconcile", "--file", name)

        assert (ended.code, ended.out) == (2, "")
        assert ended.err == (
            f"no flow file has the name or SHA-256 '{name}': expected the name of one as it came,"
            " or the first 6 or more digits of its SHA-256."
        )

    def test_is_not_found_by_fewer_than_six_digits(self, run: conftest.Run) -> None:
        run("load_d0010", conftest.SAMPLE)
        sha256 = models.FlowFile.objects.get().sha256

        assert run("reconcile", "--file", sha256[:5]).code == 2
        assert run("reconcile", "--file", sha256[:1]).code == 2

    def test_is_told_where_several_have_the_name(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        paths = []
        for number in "123":
            path = write(builder.simple(file_id=number), f"{number}.uff")
            folder = path.with_suffix("")
            folder.mkdir()
            paths.append(path.rename(folder / "same.uff"))
        run("load_d0010", *paths)
        hashes = models.FlowFile.objects.order_by("id").values_list("sha256", flat=True)

        ended = run("reconcile", "--file", "same.uff")

        told = ", ".join(
            f"{sha256[:12]} ({path})" for sha256, path in zip(hashes, paths, strict=True)
        )
        assert (ended.code, ended.out) == (2, "")
        assert ended.err == (
            f"several flow files have the name or SHA-256 'same.uff': {told};"
            " name one by its SHA-256."
        )

    def test_is_told_where_several_have_the_hash(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        for number in "123":
            run("load_d0010", write(builder.simple(file_id=number), f"{number}.uff"))
        for flow_file in models.FlowFile.objects.all():
            flow_file.sha256 = f"abcdef{flow_file.sha256[6:]}"
            flow_file.save()

        ended = run("reconcile", "--file", "abcdef")

        assert (ended.code, ended.out) == (2, "")
        assert ended.err.count(".uff)") == 3
