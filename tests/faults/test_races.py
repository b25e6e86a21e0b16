"""
Many loaders at once, of the same files in different orders.

For more rounds, in new orders: uv run pytest --times=25 tests/faults/test_races.py
"""

from __future__ import annotations

import pathlib
import random

import pytest
from django import test

from tests import builder, conftest, depth
from tests.faults import forks, snapshot
from warehouse import models


RACES = depth.rounds(quick=1, thorough=20)
SEED = depth.seed()
LOADERS = 8
FILES = 8
FILES_OF_EACH = 5
MPANS = (builder.MPAN, builder.OTHER_MPAN, builder.THIRD_MPAN)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paths(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Write files that all speak of the same meters, in orders of their own."""
    paths = []
    for number in range(FILES):
        points = [
            builder.meter_point(
                mpan,
                builder.meter("A1", builder.reading("S", value=f"{number}.0")),
                builder.meter("B2", *(builder.reading(name) for name in ("DY", "NT"))),
            )
            for mpan in MPANS
        ]
        points = points[number % 3 :] + points[: number % 3]
        path = tmp_path / f"{number}.uff"
        path.write_bytes(builder.flow_file(*points, file_id=f"{number:010d}"))
        paths.append(path)
    return paths


@pytest.fixture
def rejected_paths(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Write test data, which is rejected unless it is asked for."""
    paths = []
    for number in range(FILES):
        path = tmp_path / f"rejected-{number}.uff"
        content = builder.simple(file_id=f"9{number:09d}", mpan=MPANS[number % 3])
        path.write_bytes(content.replace(b"||OPER|", b"||TR01|"))
        paths.append(path)
    return paths


class TestLoaders:
    def test_of_the_same_files_at_once_load_each_once_and_lose_no_delivery(
        self, launcher: forks.Launcher, paths: list[pathlib.Path], admin_client: test.Client
    ) -> None:
        url = conftest.database_url()
        assert launcher.run("load_d0010", *paths, url=url).code == 0
        whole = snapshot.take()
        snapshot.empty()
        chance = random.Random(SEED)  # noqa: S311 - no secret
        for number in range(RACES):
            # Together they have every file, and each has some of every other's.
            chosen = [
                {*chance.sample(paths, FILES_OF_EACH), paths[loader % FILES]}
                for loader in range(LOADERS)
            ]
            loaders = [
                launcher.start(
                    "load_d0010",
                    *["--batch"] * (chance.random() < 0.5),
                    *chance.sample(sorted(some), len(some)),
                    url=url,
                )
                for some in chosen
            ]
            finishers = [launcher.start("transform_pending", url=url) for _ in range(2)]
            ended = []
            reads = 0
            while not all(loader.has_ended() for loader in loaders):
                for index, finisher in enumerate(finishers):
                    if finisher.has_ended():
                        ended.append(finisher.wait())
                        finishers[index] = launcher.start("transform_pending", url=url)
                for page in ("/", f"/warehouse/reading/?q={builder.MPAN}"):
                    assert admin_client.get(page, secure=True).status_code == 200
                    reads += 1
            ended += [command.wait() for command in (*loaders, *finishers)]

            assert [(one.code, one.err) for one in ended] == [(0, "")] * len(ended), SEED
            assert reads > 0
            for path in paths:
                # Or else transform_pending did, which one of the loaders may not have known.
                said = sum(f"{path}: loaded (" in one.out for one in ended)
                finished = sum(f"\n{path.name}: loaded (" in f"\n{one.out}" for one in ended)
                assert said <= 1 <= said + finished, (SEED, path)
            now = snapshot.take()
            assert now.files == whole.files, (SEED, number)
            assert now.shared == whole.shared
            assert models.Delivery.objects.count() == sum(map(len, chosen))
            snapshot.assert_reconciled()
            snapshot.empty()

    @pytest.mark.thorough
    def test_of_what_was_rejected_before_judge_each_anew_once(
        self, launcher: forks.Launcher, rejected_paths: list[pathlib.Path]
    ) -> None:
        url = conftest.database_url()
        chance = random.Random(SEED)  # noqa: S311 - no secret
        for number in range(max(RACES // 4, 1)):
            assert launcher.run("load_d0010", "--batch", *rejected_paths, url=url).code == 1
            loaders = [
                launcher.start(
                    "load_d0010",
                    *["--batch"] * (chance.random() < 0.5),
                    "--accept-test-files",
                    *chance.sample(rejected_paths, FILES),
                    url=url,
                )
                for _ in range(LOADERS)
            ]
            ended = [loader.wait() for loader in loaders]

            assert [(one.code, one.err) for one in ended] == [(0, "")] * LOADERS, (SEED, number)
            for path in rejected_paths:
                assert sum(f"{path}: loaded (" in one.out for one in ended) == 1, (SEED, path)
            assert models.FlowFile.objects.filter(status="LOADED").count() == FILES
            assert models.Reading.objects.count() == FILES
            assert models.Delivery.objects.count() == FILES * (LOADERS + 1)
            snapshot.assert_reconciled()
            snapshot.empty()
