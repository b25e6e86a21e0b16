"""The flow files of a sweep, of meters that are stored already and of meters that are not."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil

from tests.benchmarks import generate


# The generator gives ten readings to each seven meter points, so that a file which begins with
# the first of seven covers the same registers whatever its size.
READINGS_A_CYCLE, METER_POINTS_A_CYCLE = 10, 7
_FIRST_NEW_CYCLE = 10_000_000  # beyond all that is stored


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lot:
    """So many files of so many readings each; their meters follow one another, none in two."""

    count: int
    readings: int
    first_cycle: int

    @property
    def total(self) -> int:
        return self.count * self.readings


class Files:
    """Writes lots of files; no two files have the same content, name or file id."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._written = 0
        self._next_new_cycle = _FIRST_NEW_CYCLE

    def of_new_meters(self, *, count: int, readings: int) -> Lot:
        lot = Lot(count=count, readings=readings, first_cycle=self._next_new_cycle)
        self._next_new_cycle += count * _cycles(readings)
        return lot

    def of_known_meters(self, *, count: int, readings: int, stored: int, turn: int) -> Lot | None:
        """Return a lot of the meters of the first `stored` readings; None if they are too few."""
        room = _cycles(stored) - count * _cycles(readings)
        if room < 0:
            return None
        return Lot(count=count, readings=readings, first_cycle=turn * 7_919 % (room + 1))

    def write(self, lot: Lot, *, day: int) -> pathlib.Path:
        """Write the files with the readings of that day into a folder of their own."""
        self._written += 1
        folder = self._folder / f"lot_{self._written}"
        folder.mkdir()
        for number in range(lot.count):
            first_cycle = lot.first_cycle + number * _cycles(lot.readings)
            generate.write_flow_file(
                folder / f"sweep_{self._written}_{number:06d}.uff",
                readings=lot.readings,
                first=first_cycle * METER_POINTS_A_CYCLE,
                round_number=day,
                file_identifier=f"{self._written}-{number}",
            )
        return folder


def remove(folder: pathlib.Path) -> None:
    shutil.rmtree(folder)


def lines(readings: int) -> int:
    """Return about how many lines hold so many readings."""
    return readings * 24 // 10


def _cycles(readings: int) -> int:
    return -(-readings // READINGS_A_CYCLE)
