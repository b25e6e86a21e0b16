from __future__ import annotations

import pytest
from django import test
from django.core import management

from tests import builder, conftest, depth
from tests.functional.api.conftest import client_of
from warehouse import models


class TestSchema:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "mode",
        ["positive", pytest.param("negative", marks=pytest.mark.thorough)],
        ids=["for what it allows", "for what it forbids"],
    )
    def test_is_what_the_server_does(self, mode: str) -> None:
        from tests.functional.api import drawn_calls  # noqa: PLC0415 - see there

        management.call_command("load_d0010", str(conftest.SAMPLE))
        authorization = client_of("Operations").defaults["HTTP_AUTHORIZATION"]
        headers = {"Authorization": str(authorization)}
        known = {"sha256": models.FlowFile.objects.get().sha256, "mpan": builder.MPAN}

        with test.override_settings(ALLOWED_HOSTS=["*"]):
            operations = drawn_calls.operations(headers)
            for operation in depth.some(operations, one_of=3):
                if mode == "negative" and not drawn_calls.can_be_wrong(operation):
                    continue
                assert drawn_calls.statuses(operation, mode, known, headers), operation.label

        assert len(operations) == 9
