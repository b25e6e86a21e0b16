"""How a connection reads moments: as Django does, only faster."""

from __future__ import annotations

import datetime

import pytest
from django import db


pytestmark = pytest.mark.django_db


def _read(text: str) -> datetime.datetime:
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        [moment] = cursor.fetchone()
    assert isinstance(moment, datetime.datetime)
    return moment


class TestMoment:
    @pytest.mark.parametrize(
        ("text", "microsecond"),
        [
            pytest.param("2024-03-31 01:00:00+00", 0, id="a whole second"),
            pytest.param("2024-03-31 01:00:00.123456+00", 123_456, id="microseconds"),
            pytest.param("2024-03-31 01:00:00.5+00", 500_000, id="tenths"),
            pytest.param("2024-03-31 02:00:00+01", 0, id="another zone"),
        ],
    )
    def test_is_read_in_utc(self, text: str, microsecond: int) -> None:
        moment = _read(text)

        utc = datetime.timezone.utc
        assert moment == datetime.datetime(2024, 3, 31, 1, 0, 0, microsecond, tzinfo=utc)
        assert moment.tzinfo is utc

    @pytest.mark.parametrize("text", ["infinity", "0044-03-15 12:00:00+00 BC"])
    def test_fails_as_before_where_python_knows_none(self, text: str) -> None:
        with pytest.raises(db.DataError):
            _read(text)
