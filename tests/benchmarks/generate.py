"""
Write flow files of any size, the same for the same arguments.

Used by the benchmarks, and good as demonstration data:

    python tests/benchmarks/generate.py --readings 100000 --output demo.uff

Seven meter points in ten readings, a meter at each; three meters in seven have two registers.
`--round` moves the dates and values on for the same meters: the everyday file of the next day.
"""

from __future__ import annotations

import argparse
import datetime
import pathlib
from collections.abc import Iterator


FIRST_DAY = datetime.date(2025, 1, 1)
PRIMES = (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43)
REGISTERS = (("S",), ("DY", "NT"), ("01",), ("01", "02"), ("TO",), ("DY", "NT"), ("A1",))


def mpan_core(number: int) -> str:
    """Return the MPAN core with this running number; distributor ids run from 10 to 23."""
    body = f"{10 + number % 14}{number:010d}"
    check_digit = sum(int(digit) * prime for digit, prime in zip(body, PRIMES, strict=True))
    return f"{body}{check_digit % 11 % 10}"


def serial_number(number: int) -> str:
    """Return a meter serial number; one in three has an inner space."""
    letter = "DEKLS"[number % 5]
    body = f"{number * 7919 % 10_000_000:07d}"
    return (
        f"{letter}{body[:2]}A {body[2:]}" if number % 3 == 0 else f"{letter}{body[:2]}X{body[2:]}"
    )


def body_lines(*, readings: int, first: int, round_number: int) -> Iterator[str]:
    """Yield the lines between header and trailer; `first` is the first meter point's number."""
    read_at = f"{FIRST_DAY + datetime.timedelta(days=round_number):%Y%m%d}000000"
    number = first
    while readings > 0:
        identifiers = REGISTERS[number % 7][:readings]
        yield f"026|{mpan_core(number)}|V|\n"
        yield f"028|{serial_number(number)}|{'CDR'[number % 3]}|\n"
        for position, identifier in enumerate(identifiers):
            value = (number * 31 + position * 977 + round_number * 113) % 900_000
            yield f"030|{identifier}|{read_at}|{value // 10}.{value % 10}|||T|N|\n"
        readings -= len(identifiers)
        number += 1


def write_flow_file(
    path: pathlib.Path,
    *,
    readings: int,
    first: int = 0,
    round_number: int = 0,
    file_identifier: str | None = None,
) -> int:
    """Write one flow file and return the number of its lines."""
    identifier = file_identifier or f"{(first * 1000 + round_number) % 10**10:010d}"
    groups = flows = 0
    with path.open("w", encoding="ascii", newline="\n") as flow_file:
        flow_file.write(f"ZHV|{identifier}|D0010002|D|UDMS|X|MRCY|20250101120000||||OPER|\n")
        for line in body_lines(readings=readings, first=first, round_number=round_number):
            flow_file.write(line)
            groups += 1
            flows += line.startswith("026")
        flow_file.write(f"ZPT|{identifier}|{groups}||{flows}|20250101121500|\n")
    return groups + 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--readings", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first meter point")
    parser.add_argument("--round", type=int, default=0, dest="round_number")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    lines = write_flow_file(
        arguments.output,
        readings=arguments.readings,
        first=arguments.first,
        round_number=arguments.round_number,
    )

    print(f"{arguments.output}: {lines:,} lines, {arguments.readings:,} readings")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
