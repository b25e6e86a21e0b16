from __future__ import annotations

import datetime

import pytest

from etl.models import StagedLine
from etl.postgres import transactions
from etl.usecases import sources, stage
from tests import builder, conftest
from warehouse import models


NOON = datetime.datetime(2024, 2, 1, 12, tzinfo=datetime.timezone.utc)


@pytest.mark.django_db(transaction=True)
class TestStageContents:
    def test_leaves_no_trace_of_a_file_that_is_written_to_meanwhile(
        self, write: conftest.Write
    ) -> None:
        readings = [builder.reading()] * 3_000
        path = write(
            builder.flow_file(builder.meter_point(builder.MPAN, builder.meter("A1", *readings)))
        )
        content = stage.Content(sources.Source(str(path)), rules=stage.Rules(), known=())
        with path.open("r+b") as file:
            file.seek(200)
            file.write(b"9")

        with pytest.raises(stage.ContentChangedError):
            transactions.commit(
                lambda: stage.stage_contents(
                    contents=[content], delivered_at=NOON, on_progress=lambda _: None
                )
            )

        content.source.close()
        assert not models.FlowFile.objects.exists()
        assert not StagedLine.objects.exists()
