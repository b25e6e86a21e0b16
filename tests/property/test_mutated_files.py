"""
Whatever happens to a file on its way, no line of it is lost and no other file is touched.

Each example is a batch of one to three damaged files and one or two good ones. To look at many
more:

    uv run pytest --times=40 tests/property
"""

from __future__ import annotations

import json

import hypothesis
import pytest

from tests import conftest as tests_conftest
from tests import depth
from tests.faults import snapshot
from tests.property import conftest, damages, oracle, stored, strategies


@pytest.mark.django_db(transaction=True)
class TestMutatedFiles:
    @pytest.mark.parametrize("part", range(conftest.PARTS))
    def test_are_accounted_for_line_by_line_and_disturb_no_other_file(
        self, run: tests_conftest.Run, deliver: conftest.Deliver, part: int
    ) -> None:
        @hypothesis.seed(depth.seed() + part)
        @hypothesis.given(batch=damages.mixed_batches())
        def hold(batch: damages.MixedBatch) -> None:
            contents = [file.content for file in batch.files]
            paths = deliver(contents)

            ended = run("load_flows", "--json", "--batch", *paths)

            reports = [json.loads(line) for line in ended.out.splitlines()]
            assert [report["path"] for report in reports] == [str(path) for path in paths]
            outcomes = [report["outcome"] for report in reports]
            assert (ended.code, ended.err) == (int(set(outcomes) != {"loaded"}), "")
            held = stored.contents([report["sha256"] for report in reports])
            for file, report in zip(batch.files, reports, strict=True):
                expected = oracle.REJECTED
                if report["outcome"] != "rejected":
                    expected = oracle.content_of(file.content)
                assert held[report["sha256"]] == expected
                if isinstance(file, strategies.File):
                    assert report["outcome"] == "loaded"
                elif file.is_envelope_whole or report["outcome"] != "rejected":
                    has_rejections = bool(expected.rejected_line_numbers)
                    assert report["outcome"] == "loaded" + " with rejections" * has_rejections
            snapshot.assert_reconciled()
            if batch.is_given_again:
                again = run("load_flows", *paths)
                assert again.code == int("rejected" in outcomes)
                assert stored.contents([report["sha256"] for report in reports]) == held

        hold()

        reconciled = run("reconcile", "--deep")
        assert reconciled.code == 0, reconciled.out
