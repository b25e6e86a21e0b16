"""`manage.py make_user`: a login or a token that works at once."""

from __future__ import annotations

import argparse
import getpass
import pathlib
import sys
from typing import Any

from django.utils import timezone

from etl.management import base
from etl.usecases import users
from warehouse import words


class Command(base.PreparedCommand):
    help = "Make a user of a group, or change one: a login that works at once, or a token."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="by which the user logs in")
        parser.add_argument(
            "--group",
            required=True,
            choices=list(users.GROUPS),
            help="Support reads, Operations reads and uploads, Upload only uploads",
        )
        parser.add_argument(
            "--token",
            action="store_true",
            help="print a new token for the REST interface, once; those before it end",
        )
        parser.add_argument(
            "--password-from",
            type=pathlib.Path,
            metavar="FILE",
            help="whose first line is the password, which else is asked for where one is needed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["name"]
        group: str = options["group"]
        try:
            made = users.make_user(
                name=name,
                group=group,
                password=_password(name, group, options["password_from"]),
                with_token=options["token"],
            )
        except users.UnfitUserError as error:
            raise base.wrong_usage(str(error)) from error
        done = "made" if made.is_new else "was there before"
        told = [f"{name}: {done}, of the group {group}"]
        told += [f"no longer of {left}" for left in made.left]
        told += ["with a new password"] * made.has_new_password
        self.stdout.write(words.visible(", ".join(told)))
        if made.token_ends_at:
            day = f"{timezone.localdate(made.token_ends_at)}"
            self.note(f"The token is shown once and ends on {day}.")
            if made.ended_token_count:
                self.note(f"{base.counted(made.ended_token_count, 'earlier token')} ended.")
            self.stdout.write(made.token)


def _password(name: str, group: str, file: pathlib.Path | None) -> str | None:
    """
    Return the password from the file, or asked for where one is needed.

    :raises CommandError: if it can't be read
    """
    if file is not None:
        try:
            return file.read_text().partition("\n")[0]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise base.wrong_usage(f"{file} can't be read: {reason}.") from error
    if not users.needs_password(name, group=group):
        return None
    if not sys.stdin.isatty():
        raise base.wrong_usage(
            "Nobody can be asked for a password here: name a file by --password-from."
        )
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same once more: ") != password:
        raise base.wrong_usage("The passwords differ.")
    return password
