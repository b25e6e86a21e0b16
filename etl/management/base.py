"""What the commands of the pipeline have in common: how they start, speak and end."""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import datetime
import getpass
import json
import logging
import math
import os
import signal
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import tqdm
from django.core.management import base

from etl.postgres import advice, transactions
from etl.postgres.embedded import place
from etl.usecases import outcomes, schema
from warehouse import words
from warehouse.queries import terms


logger = logging.getLogger(__name__)

WRONG_USAGE = 2
# A command that a signal ends has this code and the number of the signal, as in a shell.
SIGNALLED = 128
ENDING_SIGNALS = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}
_UNWINDING = 2  # seconds that a signal is given to unwind the command


class PreparedCommand(base.BaseCommand):
    """A command that needs the tables, and ends in a sentence rather than in a traceback."""

    is_writing = True
    refuses_nothing = True
    stored = ""  # what is stored where a signal ends it, if it is one that says what it stores
    _is_logging_events = False

    def prepare(self) -> None:
        schema.prepare(is_writing=self.is_writing)

    def create_parser(self, *args: Any, **kwargs: Any) -> base.CommandParser:
        parser = super().create_parser(*args, **kwargs)
        usage_error, parse_args = parser.error, parser.parse_args

        def error(message: str) -> NoReturn:
            # It quotes what was typed, or what a script made of a file's name.
            if parser.called_from_command_line:
                usage_error(words.visible(message))
            raise wrong_usage(f"{message}.")

        def parse(args: Sequence[str], namespace: Any = None) -> Any:
            if self.refuses_nothing:
                _refuse_nothing(args, error)
            return parse_args(args, namespace)

        setattr(parser, "error", error)  # noqa: B010 - a method
        setattr(parser, "parse_args", parse)  # noqa: B010 - a method
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """
        Prepare the database, run, and convert what is anticipated.

        :raises CommandError: if the server, the schema or the input is not fit
        :raises SystemExit: if a signal ends it, or if it has said so by an event
        """
        self._is_logging_events = options.get("log_format") == "json"
        _set_log_format(as_events=self._is_logging_events)
        with _ending_signals_raised() as received, transactions.each_statement_in_one():
            try:
                self.prepare()
                return super().execute(*args, **options)
            except BaseException as error:
                stored = "nothing" if options.get("dry_run") else self.stored
                ending = _ending(error, received, stored=stored)
                if ending is None:
                    raise
                if self._is_logging_events or received:
                    self._say(logging.ERROR, str(ending))
                    raise SystemExit(ending.returncode) from error
                if ending is error:
                    raise
                raise ending from error

    def note(self, sentence: str) -> None:
        """Say on standard error what changes no exit code."""
        self._say(logging.WARNING, words.visible(sentence))

    def _say(self, level: int, sentence: str) -> None:
        if self._is_logging_events:
            logger.log(level, "%s", sentence)
        else:
            self.stderr.write(sentence)


def wrong_usage(sentence: str) -> base.CommandError:
    """Return the error that ends a command whose arguments can't be meant."""
    return base.CommandError(words.visible(sentence), returncode=WRONG_USAGE)


def _refuse_nothing(arguments: Sequence[str], error: Callable[[str], NoReturn]) -> None:
    """
    Refuse an argument in which there is nothing to see, such as a script's variable that is empty.

    Else an empty path would be the current folder, and an empty name every file.
    """
    before = ""
    for argument in arguments:
        option, sign, value = argument.partition("=")
        is_both = option.startswith("--") and sign
        if _is_nothing(value if is_both else argument):
            place = f" after {option if is_both else before}" if is_both or before else ""
            error(f"expected a value{place}, found nothing")
        before = argument


def _is_nothing(text: str) -> bool:
    # Separators, control and format characters; but bytes of a name that are no UTF-8 are there.
    categories = map(unicodedata.category, text)
    return all(category[0] == "Z" or category in {"Cc", "Cf"} for category in categories)


def _ending(
    error: BaseException, received: Sequence[signal.Signals], *, stored: str
) -> base.CommandError | None:
    """Return what a command ends with, None if that is a programmer's to see."""
    # An interrupt is what it is, whatever it has been turned into on its way: one that breaks
    # into a COMMIT comes out as an error of the connection.
    if received:
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # it is ending
        word = ENDING_SIGNALS[received[0]]
        return base.CommandError(
            f"{word}; {stored} is stored." if stored else f"{word}.",
            returncode=SIGNALLED + received[0],
        )
    if isinstance(error, base.CommandError):
        return error
    sentence = sentence_of(error)
    return None if sentence is None else base.CommandError(sentence, returncode=1)


def sentence_of(error: BaseException) -> str | None:
    """Say what is wrong and what to do, if anybody but a programmer can do anything."""
    if isinstance(error, (schema.SchemaError, place.EmbeddedServerError)):
        sentence = f"{error}."
    elif isinstance(error, UnicodeEncodeError):
        sentence = f"'{error.object}' can't be searched for: expected valid UTF-8."
    elif what_to_do := advice.of(error):
        sentence = f"The database can't be used: {advice.first_line(error)}; {what_to_do}."
    else:
        return None
    return words.visible(sentence)


@contextlib.contextmanager
def _ending_signals_raised() -> Iterator[Sequence[signal.Signals]]:
    """
    Let signals unwind the command, so that it rolls back; yield those that came.

    One that comes while another unwinds adds nothing, or it could break into what is said of that;
    later it counts, as the first may have been lost. Where one came the process is ending, and the
    handlers stay as they are by then.
    """
    received: list[signal.Signals] = []
    heard_at = -math.inf

    def receive(number: int, _: object) -> None:
        nonlocal heard_at
        if time.monotonic() - heard_at < _UNWINDING:
            return
        heard_at = time.monotonic()
        received.append(signal.Signals(number))
        raise KeyboardInterrupt(received[0])

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, receive) for number in ENDING_SIGNALS}
    try:
        yield received
    finally:
        if not received:
            for number, handler in before.items():
                signal.signal(number, handler)


_MOST_REMEDIES = 10  # below a file
_LOADED = (outcomes.Outcome.LOADED, outcomes.Outcome.LOADED_WITH_REJECTIONS)


def stop_printing() -> None:
    """Let what is still to be printed go nowhere; else Python complains of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class PipelineCommand(PreparedCommand):
    """A command that deals with flow files and says what became of each."""

    requires_system_checks = ()
    stored = "what was reported as done"

    def print(self, line: str) -> None:
        """
        Print a line at once; where whoever reads, such as head, has had enough, print no more.

        The command itself goes on: what it was asked to do is done, and its exit code is true.

        :raises CommandError: if the line can't be written for another reason
        """
        try:
            # Not behind a bar of progress, which may be shown on the same screen.
            with tqdm.tqdm.external_write_mode():
                self.stdout.write(line)
                self.stdout.flush()
        except BrokenPipeError:
            stop_printing()
        except OSError as error:
            stop_printing()
            raise base.CommandError(
                f"standard output can't be written: {error.strerror}."
            ) from error

    @staticmethod
    def add_log_format(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--log-format",
            choices=["text", "json"],
            default="text",
            help="json: one event a step and a file on standard error, as JSON",
        )

    def print_reports(
        self,
        reports: Iterable[outcomes.FileReport],
        *,
        as_json: bool,
        is_dry_run: bool = False,
    ) -> None:
        """
        Print a line a file as it is done, and a summary.

        :raises SystemExit: with code 1, if a file was not loaded whole
        """
        counts: collections.Counter[outcomes.Outcome] = collections.Counter()
        readings = rejected_lines = 0
        since = time.perf_counter()
        for report in reports:
            seconds = round(time.perf_counter() - since, 3)
            since += seconds
            if logger.isEnabledFor(logging.INFO):
                facts = {**dataclasses.asdict(report), "seconds": seconds}
                logger.info("%s: %s", report.path, report.outcome.value, extra={"facts": facts})
            counts[report.outcome] += 1
            if report.outcome in _LOADED:
                readings += report.reading_count
            if report.outcome is not outcomes.Outcome.DUPLICATE:
                rejected_lines += report.rejected_line_count
            as_text = json.dumps(dataclasses.asdict(report)) if as_json else _text_of(report)
            self.print(as_text)
        if not as_json:
            words = [f"{counts[outcome]:,} {outcome.value}" for outcome in counts]
            self.print(
                f"{counted(counts.total(), 'file')}: {', '.join(words) or 'nothing to do'};"
                f" {counted(readings, 'reading')}, {counted(rejected_lines, 'rejected line')}"
                + "; dry run, nothing is stored"
                * is_dry_run
            )
        if counts.keys() - outcomes.GOOD:
            raise SystemExit(1)


def _set_log_format(*, as_events: bool) -> None:
    """Log every step and file as JSON; or what the level asks for as text, steering nothing."""
    logged = logging.getLogger("etl")
    if as_events:
        logged.setLevel(logging.INFO)
    for handler in logged.handlers:
        handler.setFormatter(_JsonFormatter() if as_events else _TextFormatter())


class _TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        return words.visible(super().format(record))


class _JsonFormatter(logging.Formatter):
    """An object a line: when, how grave, the words, and the facts that the words are made of."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.datetime.fromtimestamp(record.created, tz=datetime.timezone.utc)
        event = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        return json.dumps(event)


def _text_of(report: outcomes.FileReport) -> str:
    """Return a line for the file, and below it one for each kind of finding with its remedy."""
    lines = [_text_line(report)]
    if report.outcome is not outcomes.Outcome.DUPLICATE:
        told = [f"  {code}: {remedy}" for code, remedy in report.remedies.items()]
        more = len(told) - _MOST_REMEDIES
        lines += told[:_MOST_REMEDIES]
        lines += [f"  {counted(more, 'more kind')} of finding"] * (more > 0)
    return "\n".join(lines)


def _text_line(report: outcomes.FileReport) -> str:
    facts = []
    if report.outcome in _LOADED:
        facts.append(counted(report.reading_count, "reading"))
    if report.rejected_line_count:
        facts.append(f"{counted(report.rejected_line_count, 'line')} rejected")
    if report.warning_count:
        facts.append(counted(report.warning_count, "warning"))
    # What refuses a file as a whole is told by the reason.
    if facts and report.findings and report.outcome is not outcomes.Outcome.DUPLICATE:
        facts.append(", ".join(f"{code} {count:,}" for code, count in report.findings.items()))
    if report.reason:
        facts.append(report.reason)
    return words.visible(
        f"{report.path}: {report.outcome.value}" + f" ({'; '.join(facts)})" * bool(facts)
    )


def account() -> str:
    """Return the name of the system's account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # one without a name
        return str(os.getuid())


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where that is right."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def mpan_core(text: str) -> str:
    """
    Return the MPAN that an argument means.

    :raises ArgumentTypeError: if it is none
    """
    found = terms.whole_mpan_core(text)
    if not found:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not an MPAN: expected its 13 digits, or all 21 of a supply number"
        )
    return found
