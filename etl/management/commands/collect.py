"""`manage.py collect`: fetch what is new at folders and sFTP servers, and load it."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import pathlib
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from django import db
from django.conf import settings

from etl.intake import folders, inbox, places
from etl.management import base, rules
from etl.postgres.embedded import server
from etl.usecases import collect, outcomes


_SFTP = "sftp://"
_UNITS = {"s": 1, "m": 60, "h": 3600}


class Command(base.PipelineCommand):
    help = "Fetch what is new in folders and on sFTP servers, and load it; each file once."
    _has_failed = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "sources",
            nargs="+",
            metavar="SOURCE",
            help="a folder, or sftp://USER@HOST[:PORT]/FOLDER",
        )
        parser.add_argument(
            "--every", type=_seconds, metavar="60s", help="go on, with a pass each 60s, 5m or 1h"
        )
        parser.add_argument(
            "--settle",
            type=_seconds,
            default=5.0,
            metavar="5s",
            help="how long a file must not change before it is fetched",
        )
        parser.add_argument(
            "--after",
            nargs="+",
            default=["leave"],
            metavar=("leave|delete|move", "FOLDER"),
            help="what becomes of a file once its outcome is stored: leave, delete, or move FOLDER"
            " (at its source, within its folder)",
        )
        parser.add_argument(
            "--refused",
            default="",
            metavar="FOLDER",
            help="where rejected and failed files are moved; else they stay",
        )
        parser.add_argument("--inbox", metavar="FOLDER", help="a private folder to fetch into")
        parser.add_argument(
            "--host-key-file",
            "--known-hosts",
            metavar="FILE",
            help="the host keys of the sFTP servers, as ~/.ssh/known_hosts has them",
        )
        parser.add_argument("--key", metavar="FILE", help="the private key to log in with")
        parser.add_argument(
            "--password-file",
            metavar="FILE",
            help="holds the password, or the key's; else D0010_SFTP_PASSWORD does",
        )
        rules.add(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object a file")
        self.add_log_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        manner = _manner(options)
        with contextlib.ExitStack() as stack:
            found = []
            for source in options["sources"]:
                with self._failures_said(source):
                    place = contextlib.closing(_place(source, options))
                    found.append(stack.enter_context(place))
            self._pass(found, manner, options)
            while options["every"]:
                self._rest(found, options["every"])
                try:
                    self.prepare()
                    self._pass(found, manner, options)
                except Exception as error:
                    # A server that is away for a while is no reason to end.
                    sentence = base.sentence_of(error)
                    if sentence is None:
                        raise
                    self.note(sentence)
        if self._has_failed:
            raise SystemExit(1)

    def _rest(self, found: Sequence[places.Place], seconds: float) -> None:
        self._has_failed = False
        for place in found:
            place.close()
        db.connections.close_all()
        time.sleep(seconds)

    def _pass(
        self, found: Sequence[places.Place], manner: collect.Manner, options: dict[str, Any]
    ) -> None:
        """Collect from all of them once, and say what became of each file."""
        reports = itertools.chain.from_iterable(
            self._reports(place, manner, options["inbox"]) for place in found
        )
        first = next(reports, None)
        if first is None and options["every"]:
            return
        try:
            self.print_reports(
                itertools.chain([first] if first else [], reports), as_json=options["json"]
            )
        except SystemExit:
            self._has_failed = True

    def _reports(
        self, place: places.Place, manner: collect.Manner, folder: str | None
    ) -> Iterator[outcomes.FileReport]:
        with self._failures_said(place.name):
            yield from collect.collect(
                place=place,
                inbox=inbox.Inbox(_inbox(folder)),
                manner=manner,
                brought_by=base.account(),
                on_note=self._fail,
            )

    @contextlib.contextmanager
    def _failures_said(self, name: str) -> Iterator[None]:
        try:
            yield
        except places.UnavailableError as error:
            self._fail(f"{name}: {error}.")

    def _fail(self, sentence: str) -> None:
        self._has_failed = True
        self.note(sentence)


def _manner(options: dict[str, Any]) -> collect.Manner:
    word, *folder = options["after"]
    expected = 1 if word == collect.After.MOVE else 0
    if word not in {*collect.After} or len(folder) != expected:
        raise base.wrong_usage(
            f"--after is {' '.join(options['after'])!r}: expected leave, delete, or move and one"
            " folder; name the sources before it."
        )
    return collect.Manner(
        settle=options["settle"],
        after=collect.After(word),
        moved_to="".join(folder),
        refused_to=options["refused"],
        rules=rules.of(options),
    )


def _place(source: str, options: dict[str, Any]) -> places.Place:
    """
    Return what a source names.

    :raises CommandError: if it can't be used as it is named
    :raises UnavailableError: if a file that it takes can't be read
    """
    if not source.startswith(_SFTP):
        return folders.Folder(source)
    # paramiko takes a third of a second, which no other command shall pay.
    from etl.intake import sftp, ssh  # noqa: PLC0415 - see above

    try:
        ssh.Address.of(source)
    except ssh.AddressError as error:
        # Without the address, in which a password may stand.
        raise base.wrong_usage(f"an address of sFTP can't be read: {error}.") from error
    if not options["host_key_file"]:
        raise base.wrong_usage(
            f"{source}: expected --host-key-file with the server's host key; without it anybody"
            " could be the server."
        )
    login = ssh.Login(
        host_key_file=options["host_key_file"],
        key_file=options["key"] or "",
        password=_password(options["password_file"]),
    )
    if not login.key_file and not login.password:
        raise base.wrong_usage(
            f"{source}: expected --key, --password-file or D0010_SFTP_PASSWORD."
        )
    return sftp.Server(source, login)


def _password(path: str | None) -> str:
    if not path:
        return str(settings.SFTP_PASSWORD)
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "expected UTF-8"
        raise places.UnavailableError(f"{path}: {reason}") from error


def _inbox(folder: str | None) -> pathlib.Path:
    if folder:
        return pathlib.Path(folder)
    return server.at(settings.DATA_DIR).home / "inbox"


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smh])", text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"'{text}' is no time: expected 60s, 5m or 1h")
    return float(found[1]) * _UNITS[found[2]]
