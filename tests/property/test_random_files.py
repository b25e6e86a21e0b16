"""
Every reading and every site visit of a valid file is stored as it was sent.

Each example is a batch of one to five files. To look at many more:

    uv run pytest --times=40 tests/property
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import hypothesis
import pytest

from tests import conftest as tests_conftest
from tests import depth
from tests.faults import snapshot
from tests.property import conftest, oracle, stored, strategies


@pytest.mark.django_db(transaction=True)
class TestRandomFiles:
    @pytest.mark.parametrize("part", range(conftest.PARTS))
    def test_are_stored_as_a_plain_reading_of_them_says(
        self, run: tests_conftest.Run, deliver: conftest.Deliver, part: int
    ) -> None:
        @hypothesis.seed(depth.seed() + part)
        @hypothesis.given(batches=strategies.batches())
        def hold(batches: Sequence[Sequence[strategies.File]]) -> None:
            for batch in filter(None, batches):
                contents = [file.content for file in batch]
                paths = deliver(contents)

                ended = run("load_flows", "--json", "--batch", *paths)

                reports = [json.loads(line) for line in ended.out.splitlines()]
                assert [report["outcome"] for report in reports] == ["loaded"] * len(batch)
                assert (ended.code, ended.err) == (0, "")
                held = stored.contents([report["sha256"] for report in reports])
                for content, report in zip(contents, reports, strict=True):
                    expected = oracle.content_of(content)
                    assert not expected.rejected_line_numbers
                    assert held[report["sha256"]] == expected
                    assert report["reading_count"] == len(expected.readings)
                snapshot.assert_reconciled()

        hold()

        reconciled = run("reconcile", "--deep")
        assert reconciled.code == 0, reconciled.out
