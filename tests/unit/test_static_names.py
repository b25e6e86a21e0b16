from __future__ import annotations

import pathlib
import re

import pytest
from django.contrib.staticfiles import finders

from etl.config import static_names
from tests import conftest


OWN = "warehouse/pages.css"


class TestNames:
    def test_tell_the_content_and_lead_to_it(self) -> None:
        url = static_names.Storage(base_url="/static/").url(OWN)

        name = url.removeprefix("/static/")
        assert re.fullmatch(r"warehouse/pages\.[0-9a-f]{12}\.css", name)
        place = static_names.Finder().find(name)
        assert pathlib.Path(place) == conftest.ROOT / "warehouse/static" / OWN

    @pytest.mark.parametrize(
        "name", [OWN, "warehouse/pages.000000000000.css", "no/file.000000000000.css"]
    )
    def test_of_other_contents_lead_nowhere(self, name: str) -> None:
        assert static_names.Finder().find(name) is None
        assert static_names.Finder().find(name, find_all=True) == []

    def test_are_there_for_each_file_that_is(self) -> None:
        finder = static_names.Finder()
        plain = [name for one in finders.get_finders() for name, _ in one.list(None)]

        hashed = [name for name, storage in finder.list(None) if storage.path(name) != "None"]

        assert len(hashed) == len(plain) > 100
