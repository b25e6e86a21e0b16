"""Flow files of some thousand lines, with everything that a line can be and do."""

from __future__ import annotations

from collections.abc import Iterator

from tests import builder
from tests.benchmarks import generate


def stored_file() -> bytes:
    """Return a file of 5,000 lines, all of which load."""
    return builder.flow_file(
        *(_usual(number, "0115") for number in range(1_000)),
        *(_with_everything(number, "0115") for number in range(1_000, 1_100)),
        file_id="STORED",
    )


def next_file() -> bytes:
    """Return a file of 5,000 lines, good and bad, at what the other file knows and at new ones."""
    return builder.flow_file(*_good(), *_rejected(), *_belonging_nowhere(), file_id="NEXT")


def small_files(count: int) -> list[bytes]:
    """Return files of a meter point each, known and new; half are refused if they are strict."""
    return [
        builder.flow_file(
            _usual(500 + number, "0131" if number % 2 else "0231"), file_id=f"S{number}"
        )
        for number in range(count)
    ]


def _meter_point(
    number: int, *below: builder.Lines, validation_status: str = "V"
) -> builder.Lines:
    mpan_core = generate.mpan_core(number)
    return builder.meter_point(mpan_core, *below, validation_status=validation_status)


def _meter(number: int, *below: builder.Lines, reading_type: str = "R") -> builder.Lines:
    return builder.meter(generate.serial_number(number), *below, reading_type=reading_type)


def _reading(
    register: str, day: str, *, flag: str = "T", below: builder.Lines = ()
) -> builder.Lines:
    return builder.reading(register, read_at=f"2024{day}000000", flag=flag, below=below)


def _usual(number: int, day: str) -> builder.Lines:
    readings = (_reading(register, day) for register in ("DY", "NT"))
    return _meter_point(number, _meter(number, *readings))


def _with_everything(number: int, day: str) -> builder.Lines:
    return _meter_point(
        number,
        builder.line("027|01|seen|"),
        _meter(
            number,
            builder.line("029|20|no access|"),
            _reading("S", day, flag="F", below=["032|05|T|", "033|20||"]),
            _reading("TO", day, flag="F"),
        ),
    )


def _family(day: str = "0131") -> builder.Lines:
    """Return what can stand under a meter."""
    return [
        "029|20||",
        *_reading("DY", day, below=["032|05|T|", "033|20||"]),
        *_reading("NT", day, flag="F"),
    ]


def _good() -> Iterator[builder.Lines]:
    yield from (_usual(number, "0131") for number in range(100))
    yield from (_with_everything(number, "0131") for number in range(950, 1_050))
    # New meter points, new meters, new registers.
    yield from (_usual(number, "0131") for number in range(2_000, 2_100))
    yield from (_meter_point(number, _meter(7_000, _family())) for number in range(300, 350))
    for number in range(350, 400):
        yield _meter_point(number, _meter(number, _reading("X", "0131")))
    # A meter point of many readings, each with a result and a visit.
    many = [_reading("DY", "0131", below=["032|05|T|", "033|20||"]) for _ in range(500)]
    yield _meter_point(600, _meter(600, *many))


def _rejected() -> Iterator[builder.Lines]:
    """Yield what is rejected at each level, with all that can stand under it."""
    for number in range(50):
        yield builder.meter_point(f"{number}", builder.line("027|01||"), _meter(number, _family()))
    for number in range(400, 450):
        below = (builder.line("027|01||"), _meter(number, _family()))
        yield _meter_point(number, *below, validation_status="")
    for number in range(450, 500):
        yield _meter_point(number, _meter(number, _family(), reading_type=""))
    for number in range(500, 550):
        yield _meter_point(number, _meter(number, _family("0231")))
    for number in range(550, 600):
        wrong = _reading("DY", "0131", below=["032|05||", "033|||", "032|05|T|"])
        yield _meter_point(number, _meter(number, wrong))
    many = [_reading("DY", "0131") for _ in range(500)]
    yield _meter_point(601, _meter(601, *many, reading_type=""))


def _belonging_nowhere() -> Iterator[builder.Lines]:
    yield from (builder.line("777|what is this|") for _ in range(50))
    yield builder.line("028")
    yield from (builder.line("030|S|20240131000000|1.0|||T|N|") for _ in range(50))
    yield builder.line("026")
    yield from (builder.line("029|01||") for _ in range(50))
