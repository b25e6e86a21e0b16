"""`manage.py metrics`: what an operator watches, as a file for node_exporter's collector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils import timezone

from etl.management import base
from warehouse import codes
from warehouse.queries import arrivals


MOST_SENDERS = 1_000  # those of the last days; a name in a file may be anything

Sample = tuple[Mapping[str, str], float]


class Command(base.PreparedCommand):
    is_writing = False
    requires_system_checks = ()
    help = "Print files by outcome, what is pending and who sent last, in Prometheus' text format."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("\n".join(_lines()))


def _lines() -> Iterator[str]:
    totals = arrivals.totals()
    since = totals.waiting_since
    age = (timezone.now() - since).total_seconds() if since else 0
    yield from _metric(
        "d0010_files",
        "Flow files, by what became of them.",
        [
            ({"outcome": status.label}, totals.files.get(status, 0))
            for status in codes.FlowFileStatus
        ],
    )
    yield from _metric(
        "d0010_oldest_pending_age_seconds",
        "Since when the oldest file waits to be transformed.",
        [({}, round(age, 3))],
    )
    yield from _metric(
        "d0010_readings", "Readings of loaded files.", [({}, totals.loaded_readings)]
    )
    senders = arrivals.senders(most=MOST_SENDERS)
    labels = [{"sender": one.sender, "role": one.sender_role} for one in senders]
    yield from _metric(
        "d0010_last_arrival_timestamp_seconds",
        f"When a sender's last new file came, of those of the last {arrivals.PAUSE_DAYS} days.",
        zip(labels, (int(one.last_arrival.timestamp()) for one in senders), strict=True),
    )
    yield from _metric(
        "d0010_sender_is_silent",
        "1 if a sender is silent for longer than it ever was.",
        zip(labels, (int(one.is_silent) for one in senders), strict=True),
    )


def _metric(name: str, help_text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
