"""Builds flow files for tests: each says what matters to it, the rest is filled in."""

from __future__ import annotations

from collections.abc import Sequence


# Valid check digits, so that no test meets that warning by accident.
MPAN = "1200023305967"
OTHER_MPAN = "1900001059816"
THIRD_MPAN = "1200033197420"

# The codes of D0086 for those of D0010.
D0086 = {
    "026": "196",
    "027": "765",
    "028": "197",
    "029": "766",
    "030": "198",
    "032": "07A",
    "033": "199",
}

Lines = Sequence[str]


def reading(
    register: str = "S",
    *,
    read_at: str = "20240115000000",
    value: str = "100.0",
    md_reset_at: str = "",
    md_resets: str = "",
    flag: str = "T",
    method: str = "N",
    below: Lines = (),
) -> Lines:
    return [f"030|{register}|{read_at}|{value}|{md_reset_at}|{md_resets}|{flag}|{method}|", *below]


def meter(serial: str, *inner: Lines, reading_type: str = "R") -> Lines:
    return [f"028|{serial}|{reading_type}|", *_flat(inner)]


def meter_point(mpan: str, *inner: Lines, validation_status: str = "V") -> Lines:
    return [f"026|{mpan}|{validation_status}|", *_flat(inner)]


def line(text: str) -> Lines:
    return [text]


def flow_file(
    *inner: Lines,
    file_id: str = "0000000001",
    flow: str = "D0010002",
    sender: str = "UDMS",
    test_flag: str = "OPER",
    header: str | None = None,
    trailer: str | None = None,
) -> bytes:
    """Return a file with a header and a trailer that agree with what is in it."""
    body = _flat(inner)
    flows = sum(text.startswith(("026|", "196|")) for text in body)
    if header is None:
        header = f"ZHV|{file_id}|{flow}|D|{sender}|X|MRCY|20240201120000||||{test_flag}|"
    if trailer is None:
        trailer = f"ZPT|{file_id}|{len(body)}||{flows}|20240201121500|"
    return "".join(f"{text}\n" for text in (header, *body, trailer)).encode()


def simple(value: str = "100.0", *, file_id: str = "0000000001", mpan: str = MPAN) -> bytes:
    """Return a file with one reading."""
    return flow_file(meter_point(mpan, meter("A1", reading(value=value))), file_id=file_id)


def mirrored(content: bytes) -> bytes:
    """Return the D0086 that says what this D0010 says."""
    header, *body, trailer, _ = content.decode().split("\n")
    lines = [header.replace("D0010002", "D0086002"), *map(mirrored_line, body), trailer, ""]
    return "\n".join(lines).encode()


def mirrored_line(text: str) -> str:
    code, pipe, rest = text.partition("|")
    return f"{D0086.get(code, code)}{pipe}{rest}"


def _flat(parts: Sequence[Lines]) -> list[str]:
    return [text for part in parts for text in part]
