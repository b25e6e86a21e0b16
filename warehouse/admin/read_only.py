"""What all pages have in common: nobody changes a row, and no page costs more as tables grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from django.contrib import admin
from django.contrib.admin import helpers, utils
from django.contrib.admin.views import main
from django.core import exceptions, paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import functional, html, safestring


class CappedPaginator(paginator.Paginator):
    """Counts no further than ten pages; who needs more is better served by a narrower search."""

    MOST_PAGES = 10

    @functional.cached_property
    def _count_with_one_more(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment] # the admin gives no list
        return rows[: self.per_page * self.MOST_PAGES + 1].count()

    @functional.cached_property
    def count(self) -> int:
        return min(self._count_with_one_more, self.per_page * self.MOST_PAGES)

    @property
    def is_capped(self) -> bool:
        return self._count_with_one_more > self.count


class ChangeList(main.ChangeList):
    """Sorts as its page says, not as a hand-made address says: no index would serve that."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.show_admin_actions = self.result_count > 0

    def url_for_result(self, result: Model) -> str:
        address = utils.quote(self.model_admin.address_of(result))  # type: ignore[attr-defined] # ours
        return reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[address]
        )

    def get_ordering(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],  # noqa: ARG002 - Django's signature
    ) -> list[Any]:
        return list(self.model_admin.get_ordering(request))


class ReadOnlyAdmin(admin.ModelAdmin):
    """Pages to look at: all that would change a row is refused, whoever asks."""

    paginator = CappedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the table
    sortable_by = ()
    actions: Sequence[str] = ()
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        obj: Model | None = None,  # noqa: ARG002 - Django's signature
    ) -> bool:
        return False

    has_delete_permission = has_change_permission

    def shown(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row of a page that this request is going to show, to whom it may be shown."""
        is_shown = request.method != "POST"
        row = self.get_object(request, utils.unquote(object_id)) if is_shown else None
        return row if row is not None and self.has_view_permission(request, row) else None

    def get_object(
        self,
        request: HttpRequest,
        object_id: str,
        from_field: str | None = None,  # noqa: ARG002 - Django's signature; no page asks by another
    ) -> Any:
        """Look up once a request: the record of what is shown asks, and so does Django's page."""
        asked = (self.model, object_id)
        known: tuple[object, Any] | None = getattr(request, "row", None)
        if known is None or known[0] != asked:
            # The server takes no NUL, so no row has one in its key.
            is_key = "\0" not in object_id
            row = self.find(request, object_id) if is_key else None
            known = (asked, row)
            request.row = known  # type: ignore[attr-defined] # a request carries what middleware likes
        return known[1]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.shown(request, object_id)
        context = {} if row is None else self.context_of(request, row)
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def context_of(self, request: HttpRequest, row: Any) -> dict[str, Any]:  # noqa: ARG002 - for those that record it
        """Return what the page of a row tells beside its fields, as the row is shown."""
        return {}

    def address_of(self, row: Model) -> str:
        """Return what stands for a row in the addresses of its pages, and in its box to tick."""
        return str(row.pk)

    def find(self, request: HttpRequest, address: str) -> Any:
        """Return the row of an address, if there is one."""
        return super().get_object(request, address)

    def history_view(self, *_: Any, **__: Any) -> NoReturn:
        """
        Show nothing: no row has a history, and the page would name a meter point unrecorded.

        :raises Http404: always
        """
        raise Http404

    def action_checkbox(self, obj: Model) -> safestring.SafeString:
        """Write the box as Django does; its form machinery takes a third of a list's time."""
        return html.format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            helpers.ACTION_CHECKBOX_NAME,
            self.address_of(obj),
            f"Select {self.opts.verbose_name} {self.address_of(obj)}",
        )

    def lookup_allowed(
        self,
        lookup: str,
        value: str,  # noqa: ARG002 - Django's signature
        request: HttpRequest,  # noqa: ARG002 - Django's signature
    ) -> bool:
        """Allow what is offered; a column of a hand-made address could mean a whole table."""
        offered = (getattr(offer, "parameter_name", None) for offer in self.list_filter)
        return lookup in offered

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[main.ChangeList]:  # noqa: ARG002 - Django's signature
        return ChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """
        Show the list, or run one of its actions.

        :raises PermissionDenied: if something is posted that is no action of this user's
        """
        if request.method == "POST" and request.POST.get("action") not in self.get_actions(
            request
        ):
            raise exceptions.PermissionDenied
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})
