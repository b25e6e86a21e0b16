"""`manage.py load_flows`: what `load_d0010` does, for every flow that is known."""

from __future__ import annotations

from etl.domain import flows
from etl.management.commands import load_d0010


class Command(load_d0010.Command):
    help = "Load flow files of every known flow: each whole or not at all, and each content once."
    takes = tuple(flows.KNOWN)
