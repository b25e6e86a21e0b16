from __future__ import annotations

import psycopg
import pytest
from django import db

from etl.postgres import advice


class TestAdvice:
    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            ("connection failed: connection to server at 127.0.0.1 failed", advice.SEE),
            ("connection timeout expired", advice.SEE),
            ("connection socket closed", advice.AGAIN),
            ("the connection is closed", advice.AGAIN),
            ("consuming input failed: server closed the connection unexpectedly", advice.AGAIN),
        ],
    )
    def test_tells_a_server_out_of_reach_from_a_session_that_was_cut(
        self, message: str, expected: str
    ) -> None:
        error = db.OperationalError(message)
        error.__cause__ = psycopg.OperationalError(message)

        assert advice.of(error) == expected
