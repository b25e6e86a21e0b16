from __future__ import annotations

import pytest
from django.db.models import TextChoices

from etl.domain import grammar
from warehouse import codes


class TestValidSets:
    @pytest.mark.parametrize(
        ("codes", "words"),
        [
            pytest.param(grammar.VALIDATION_STATUSES, codes.ValidationStatus, id="J0022"),
            pytest.param(grammar.READING_TYPES | {"O"}, codes.ReadingType, id="J0171"),
            pytest.param(grammar.BOOLEANS, codes.ReadingFlag, id="J0045 and J0047"),
            pytest.param(grammar.READING_METHODS, codes.ReadingMethod, id="J1888"),
            pytest.param(grammar.REASON_CODES, codes.ReasonCode, id="J0332"),
            pytest.param(grammar.SITE_VISIT_CODES, codes.SiteVisitCode, id="J0024"),
        ],
    )
    def test_are_the_codes_that_have_words(
        self, codes: frozenset[str], words: type[TextChoices]
    ) -> None:
        assert codes == set(words.values)
