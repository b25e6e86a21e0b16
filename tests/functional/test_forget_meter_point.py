from __future__ import annotations

import builtins
import sys

import pytest
from django import apps, db
from django.utils import timezone

from etl.models import StagedLine
from tests import builder, conftest, depth
from warehouse import audits, marks, models
from warehouse.queries import marks as mark_queries


pytestmark = pytest.mark.django_db(transaction=True)

# All that a file can say of a meter point, damaged lines among it, between two others.
CONTENT = builder.flow_file(
    builder.meter_point(builder.OTHER_MPAN, builder.meter("B2", builder.reading(value="1.0"))),
    builder.meter_point(
        builder.MPAN,
        builder.line("027|20|secret|"),
        builder.meter(
            "SECRET1",
            builder.line("029|15|secret|"),
            builder.reading(value="77123.4", flag="F", below=["032|03|F|", "033|07|secret|"]),
            builder.reading(value="77123.5", md_resets="secret"),
        ),
        builder.line("O28|SECRET2|R|"),
        *[builder.reading(value="77123.6")],
    ),
    builder.meter_point(builder.THIRD_MPAN, builder.meter("C3", builder.reading(value="2.0"))),
)
SOUND = builder.flow_file(
    builder.meter_point(
        builder.MPAN,
        builder.line("027|20|secret|"),
        builder.meter("SECRET1", builder.reading(value="77123.7", below=["032||T|"])),
    ),
    builder.meter_point(builder.OTHER_MPAN, builder.meter("B2", builder.reading(value="3.0"))),
    file_id="2",
)
SECRETS = (builder.MPAN, "secret", "SECRET", "77123")
FORGET = ("forget_meter_point", builder.MPAN, "--reason", "request 7", "--by", "ann", "--yes")


def change(statement: str) -> None:
    with db.connection.cursor() as cursor:
        cursor.execute(statement)


def told() -> str:
    """Return all that the tables hold."""
    text = []
    with db.connection.cursor() as cursor:
        for model in apps.apps.get_models():
            table = model._meta.db_table  # noqa: SLF001 - documented, in spite of its name
            cursor.execute(f"SELECT stored::text FROM {table} AS stored")  # noqa: S608 - the same
            text += [row for (row,) in cursor.fetchall()]
    return "\n".join(text)


def mark_issues() -> None:
    """Mark all issues with a note, but one without, and an issue of another file that names it."""
    first, *others = models.LineIssue.objects.filter(mpan_core=builder.MPAN).order_by("id")
    assert others
    sample = models.FlowFile.objects.get(sender="UDMS", file_identifier="0000475656")
    unrelated = [
        models.LineIssue(flow_file=sample, line_number=number, code="time-of-day")
        for number in (1, 3)
    ]
    mark(first, note="")
    mark(*others, note="secret")
    mark(unrelated[0], note="of another")
    mark(unrelated[1], note="as of 12 0002 3305 967")


def mark(*issues: models.LineIssue, note: str) -> None:
    mark_queries.mark(issues, status="ASKED", note=note, marked_by="bob", marked_at=timezone.now())


class TestForgetMeterPoint:
    def test_leaves_nothing_of_it_and_all_else(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(CONTENT), write(SOUND, "sound.uff"), conftest.SAMPLE)
        audits.LookUp.objects.create(
            looked_up_at="2024-02-01T12:00Z", user_name="bob", mpan_core=builder.MPAN
        )
        mark_issues()
        others = models.Reading.objects.exclude(mpan_core=builder.MPAN).count()

        ended = run(*FORGET)

        # Those that had been loaded: 7 of the first file, 5 of the second, 3 of the sample.
        assert (ended.code, ended.out, ended.err) == (
            0,
            f"Meter point {builder.MPAN} is forgotten: 15 lines of 3 files\n",
            "",
        )
        found = told()
        assert [secret for secret in SECRETS if secret in found] == []
        assert models.Reading.objects.count() == others
        tombstone = audits.ForgottenMeterPoint.objects.get()
        assert (tombstone.forgotten_by, tombstone.reason) == ("ann", "request 7")
        notes = marks.IssueMark.objects.values_list("status", "note")
        assert set(notes) == {("ASKED", "forgotten"), ("ASKED", ""), ("ASKED", "of another")}
        reconciled = run("reconcile", "--deep")
        assert reconciled.code == 0, reconciled.out
        assert "1 meter point forgotten on 20" in reconciled.out
        assert ": 15 lines of 3 files\n3 files, 0 with lines unaccounted" in reconciled.out

    @pytest.mark.parametrize(
        ("statement", "words"),
        depth.some(
            [
                (
                    "UPDATE reading SET value = 9 WHERE value = 2.0",
                    "file.uff: readings of another",
                ),
                (
                    "UPDATE staged_text SET payload = '027|20|x|' WHERE payload = 'forgotten'",
                    "file.uff: raw lines do not give the hash of the file",
                ),
                (
                    "UPDATE staged_text SET payload = payload || ' ' WHERE kind = 'trailer'",
                    "file.uff: raw lines do not give the hash of the file",
                ),
                (
                    "DELETE FROM forgotten_meter_point",
                    "all files: forgotten lines of which a tomb",
                ),
                (
                    "UPDATE flow_file SET forgotten_line_count = forgotten_line_count - 1",
                    "1 with lines unaccounted for",
                ),
                ("UPDATE flow_file SET digest = ''", "raw lines do not give the hash of the file"),
            ],
            one_of=3,
        ),
    )
    def test_leaves_what_reconcile_still_proves(
        self, run: conftest.Run, write: conftest.Write, statement: str, words: str
    ) -> None:
        run("load_d0010", write(CONTENT))
        run(*FORGET)
        assert run("reconcile", "--deep").code == 0

        change(statement)
        ended = run("reconcile")

        assert ended.code == 1
        assert words in ended.out

    def test_hides_nothing_that_was_wrong_before(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(CONTENT), write(SOUND, "sound.uff"))
        run("purge_staged_lines", "--older-than", "0d")
        change("UPDATE staged_text SET payload = payload || ' ' WHERE kind = 'trailer'")
        change("UPDATE reading SET value = 9 WHERE value = 3.0")

        assert run(*FORGET).code == 0
        ended = run("reconcile")

        assert "file.uff: raw lines do not give the hash of the file" in ended.out
        assert "sound.uff: rows are not those that were there" in ended.out

    def test_forgets_rows_whose_raw_lines_were_dropped(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(SOUND))
        run("purge_staged_lines", "--older-than", "0d")
        mark(*models.LineIssue.objects.filter(mpan_core=builder.MPAN), note="secret")
        assert "secret" in told()

        # Which lines named the meter point and the meter is no longer known.
        assert run(*FORGET).out.endswith("is forgotten: 3 lines of 1 file\n")

        assert [secret for secret in SECRETS if secret in told()] == []
        assert run("reconcile", "--deep").code == 0
        change("UPDATE reading SET value = 9")
        assert run("reconcile").code == 1

    def test_can_be_followed_by_dropping_raw_lines(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(SOUND))
        run(*FORGET)

        run("purge_staged_lines", "--older-than", "0d")

        assert not StagedLine.objects.exists()
        assert run("reconcile").code == 0

    def test_is_not_undone_by_the_same_content_but_by_another(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(SOUND))
        run(*FORGET)

        assert "duplicate" in run("load_d0010", write(SOUND, "again.uff")).out
        assert not models.MeterPoint.objects.filter(mpan_core=builder.MPAN).exists()
        assert run("load_d0010", write(builder.simple(file_id="3"), "new.uff")).code == 0
        assert models.Reading.objects.filter(mpan_core=builder.MPAN).count() == 1
        assert run("reconcile", "--deep").code == 0


class TestRequest:
    def test_waits_for_files_to_be_transformed(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", "--stage-only", write(SOUND))

        ended = run(*FORGET)

        assert ended.code == 1
        assert "file.uff speaks of the meter point and is not transformed yet" in ended.err
        assert run("transform_pending").code == 0

    def test_says_that_there_is_no_such_meter_point(self, run: conftest.Run) -> None:
        ended = run(*FORGET)

        assert ended.code == 2
        assert ended.err == f"nothing is stored of meter point {builder.MPAN}."

    def test_asks_on_a_terminal(
        self, run: conftest.Run, write: conftest.Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("load_d0010", write(SOUND))
        answers = iter(["yes", builder.MPAN])
        monkeypatch.setattr(builtins, "input", lambda _: next(answers))

        monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
        assert "use --yes" in run(*FORGET[:-1]).err
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        assert run(*FORGET[:-1]).err == "Nothing is forgotten."
        assert models.MeterPoint.objects.filter(mpan_core=builder.MPAN).exists()
        assert run(*FORGET[:-1]).code == 0

        assert not models.MeterPoint.objects.filter(mpan_core=builder.MPAN).exists()
