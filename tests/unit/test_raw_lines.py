from __future__ import annotations

import pytest

from warehouse import models
from warehouse.admin import raw_lines


class TestLink:
    def test_leads_to_the_page_that_the_pipeline_tells_of(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(raw_lines, "_PAGES", [])
        flow_file = models.FlowFile(status="LOADED")
        line_id = raw_lines.line_id(2, 7)

        without_pipeline = raw_lines.link(line_id, flow_file)
        raw_lines.learn_page("admin:etl_stagedline_change")

        assert without_pipeline == "line 7"
        expected = f'<a href="/etl/stagedline/{line_id}/change/">line 7</a>'
        assert raw_lines.link(line_id, flow_file) == expected

    def test_is_the_mere_number_where_no_lines_are_kept(self) -> None:
        assert raw_lines.link(7, models.FlowFile(status="REJECTED")) == "line 7"
