"""What the list of readings and the page of a reading tell of each, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.contrib import admin
from django.utils import html, safestring, timezone

from warehouse import models, words
from warehouse.admin import addresses, raw_lines, reading_rows, remedies, searching
from warehouse.queries import history, register_history, standings


def set_beside(readings: Sequence[models.Reading]) -> None:
    """Fetch what the columns tell beside the readings themselves, for all of them at once."""
    standings.tell(readings)
    beside = history.beside(readings)
    has_times = words.has_times(reading.read_at for reading in readings)
    for reading in readings:
        reading.has_times = has_times  # type: ignore[attr-defined] # the same
        reading.beside = beside[reading.pk]  # type: ignore[attr-defined] # for the columns below


def _beside(reading: models.Reading) -> history.Beside:
    beside: history.Beside = reading.beside  # type: ignore[attr-defined] # set before it is shown
    return beside


def _around(reading: models.Reading) -> history.Around | None:
    around: history.Around | None = reading.around  # type: ignore[attr-defined] # set before it is shown
    return around


def _in_words(name: str, description: str) -> Callable[[ReadingColumns, models.Reading], str]:
    """Return a column that tells the code in this field of a reading in words."""

    @admin.display(description=description)
    def column(_: ReadingColumns, reading: models.Reading) -> str:
        return words.of_column(name, reading)

    return column


class ReadingColumns:
    """The columns and facts of a reading, as Django's admin asks for them by name."""

    @admin.display(description="MPAN")
    def mpan(self, reading: models.Reading) -> safestring.SafeString:
        url = searching.meter_point_url(reading.mpan_core)
        return html.format_html('<a href="{}">{}</a>', url, reading.mpan_core)

    @admin.display(description="meter serial number")
    def serial_number(self, reading: models.Reading) -> str:
        return words.visible(_beside(reading).serial_number)

    @admin.display(description="register")
    def register_identifier(self, reading: models.Reading) -> str:
        return words.visible(reading.identifier)

    @admin.display(description="read at, UK time")
    def read(self, reading: models.Reading) -> safestring.SafeString:
        has_time: bool = reading.has_times  # type: ignore[attr-defined] # set before it is shown
        return words.moment_tag(reading.read_at, has_time=has_time)

    @admin.display(description="reading")
    def register_reading(self, reading: models.Reading) -> str:
        if reading.standing in words.NOT_COUNTING:
            return html.format_html('<span class="does-not-count">{}</span>', reading.value)
        return str(reading.value)

    @admin.display(description="standing")
    def standing_in_list(self, reading: models.Reading) -> safestring.SafeString:
        is_doubted = register_history.is_doubted(reading) or reading.read_at > timezone.now()
        return html.format_html(
            '<span class="{}"><span class="standing" title="{}">{}</span></span>{}',
            reading.standing,
            words.STANDINGS[reading.standing],
            words.STANDING_WORDS[reading.standing],
            html.format_html(' <span class="doubted">{}</span>', "doubted") if is_doubted else "",
        )

    @admin.display(description="standing")
    def standing(self, reading: models.Reading) -> safestring.SafeString:
        told = f"{words.STANDING_WORDS[reading.standing]}: {words.STANDINGS[reading.standing]}"
        around = _around(reading)
        because = around and reading_rows.because(reading.standing, around.entry.because)
        if not because:
            return html.format_html("{}", told)
        return html.format_html('{} (<a href="{}">{}</a>)', told, because[1], because[0])

    @admin.display(description="advance")
    def advance(self, reading: models.Reading) -> str:
        around = _around(reading)
        return reading_rows.advance_in_words(around.entry) if around else words.NOTHING

    type_in_words = _in_words("reading_type", "reading type")
    validation_in_words = _in_words("validation_status", "validation")
    flag_in_words = _in_words("reading_flag", "flag")
    reason_in_words = _in_words("reason_code", "reason it was suspect")
    status_in_words = _in_words("reading_status", "status after checking")
    method_in_words = _in_words("reading_method", "method")

    @admin.display(description="last reset")
    def md_reset(self, reading: models.Reading) -> safestring.SafeString:
        return words.clock_time_tag(reading.md_reset_at)

    @admin.display(description="number of resets")
    def md_resets(self, reading: models.Reading) -> str:
        count = reading.md_reset_count
        return words.NOTHING if count is None else str(count)

    @admin.display(description="file")
    def file(self, reading: models.Reading) -> safestring.SafeString:
        url = addresses.url_of_file(reading.flow_file_id)
        return html.format_html(
            '<a href="{}">{}</a>', url, words.visible(_beside(reading).flow_file.file_name)
        )

    @admin.display(description="flow")
    def flow(self, reading: models.Reading) -> str:
        return words.visible(_beside(reading).flow_file.flow) or words.NOTHING

    @admin.display(description="file made, UK time")
    def file_made(self, reading: models.Reading) -> safestring.SafeString:
        return words.clock_time_tag(reading.stated_at)

    @admin.display(description="line")
    def line(self, reading: models.Reading) -> safestring.SafeString:
        return raw_lines.link(reading.pk, _beside(reading).flow_file)

    @admin.display(description="issues of the line")
    def issues(self, reading: models.Reading) -> safestring.SafeString:
        found = history.issues_of([reading]).get(reading.pk, ())
        links = html.format_html_join(
            safestring.mark_safe("<br>"),
            '<a href="{}">{}</a>{}',
            (
                (
                    addresses.page("admin:warehouse_lineissue_change", issue.pk),
                    words.finding(issue.code),
                    f". {remedy}" if remedy else "",
                )
                for issue in found
                for remedy in [remedies.of(issue.code)]
            ),
        )
        return links or html.format_html("{}", words.NOTHING)
