"""What the commands of the pipeline have in common: how they start, speak and end."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from django import db
from django.core.management import base

from etl.usecases import outcomes, schema


INTERRUPTED = 130


class PreparedCommand(base.BaseCommand):
    """A command that needs the tables, and ends in a sentence rather than in a traceback."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """
        Prepare the database, run, and convert what is anticipated.

        :raises CommandError: if the server, the schema or the input is not fit
        """
        try:
            schema.prepare()
            return super().execute(*args, **options)
        except schema.SchemaError as error:
            raise base.CommandError(f"{error}.", returncode=1) from error
        except db.OperationalError as error:
            first_line = str(error).strip().partition("\n")[0]
            raise base.CommandError(
                f"The database can't be used: {first_line}. What was reported as done is stored;"
                " run the same command again for the rest.",
                returncode=1,
            ) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted; what was reported as done is stored.")
            raise SystemExit(INTERRUPTED) from None


_LOADED = (outcomes.Outcome.LOADED, outcomes.Outcome.LOADED_WITH_REJECTIONS)


class PipelineCommand(PreparedCommand):
    """A command that deals with flow files and says what became of each."""

    requires_system_checks = ()

    def print_reports(self, reports: Iterable[outcomes.FileReport], *, as_json: bool) -> None:
        """
        Print a line a file as it is done, and a summary.

        :raises SystemExit: with code 1, if a file was not loaded whole
        """
        counts: collections.Counter[outcomes.Outcome] = collections.Counter()
        readings = rejected_lines = 0
        for report in reports:
            counts[report.outcome] += 1
            if report.outcome in _LOADED:
                readings += report.reading_count
            if report.outcome is not outcomes.Outcome.DUPLICATE:
                rejected_lines += report.rejected_line_count
            self.stdout.write(_json_line(report) if as_json else _text_line(report))
        if not as_json:
            words = [f"{counts[outcome]:,} {outcome.value}" for outcome in counts]
            self.stdout.write(
                f"{counted(counts.total(), 'file')}: {', '.join(words) or 'nothing to do'};"
                f" {counted(readings, 'reading')}, {counted(rejected_lines, 'rejected line')}"
            )
        if counts.keys() - outcomes.GOOD:
            raise SystemExit(1)


def _json_line(report: outcomes.FileReport) -> str:
    return json.dumps(dataclasses.asdict(report))


def _text_line(report: outcomes.FileReport) -> str:
    facts = []
    if report.outcome in _LOADED:
        facts.append(counted(report.reading_count, "reading"))
    if report.rejected_line_count:
        facts.append(f"{counted(report.rejected_line_count, 'line')} rejected")
    if report.warning_count:
        facts.append(counted(report.warning_count, "warning"))
    if report.findings and report.outcome is not outcomes.Outcome.DUPLICATE:
        facts.append(", ".join(f"{code} {count:,}" for code, count in report.findings.items()))
    if report.reason:
        facts.append(report.reason)
    return printable(
        f"{report.path}: {report.outcome.value}" + f" ({'; '.join(facts)})" * bool(facts)
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where that is right."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Return the text with everything that could steer a terminal written as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
