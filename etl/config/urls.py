from django.contrib import admin
from django.urls import include, path
from knox import models as knox

from etl.config import errors, health, logins, moved
from warehouse.admin import gaps, guide, start


admin.autodiscover()
admin.site.unregister(knox.AuthToken)  # `make_user` makes them; a page could not show one
admin.site.site_title = admin.site.site_header = "D0010 meter readings"
admin.site.index_title = "Find a reading"
admin.site.site_url = None  # there is no other site than this
admin.site.login_form = logins.LoginForm
admin.site.enable_nav_sidebar = False  # the start page has it all, and tables want the width

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error

urlpatterns = [
    path("healthz", health.page),
    path("favicon.ico", moved.icon),
    # Where Django's admin stands by custom, and people type it.
    path("admin/", moved.page),
    path("admin/<path:rest>", moved.page),
    # They would name rows, and with them meter points, without a record; no page asks them.
    path("autocomplete/", errors.page_not_found),
    path("r/<path:rest>", errors.page_not_found),
    path("", include("etl.api.urls")),
    path("gaps/", admin.site.admin_view(gaps.gaps_page), name="gaps"),
    path("jumps/", admin.site.admin_view(gaps.jumps_page), name="jumps"),
    path("help/", admin.site.admin_view(guide.page), name="help"),
    path("", admin.site.admin_view(start.page)),
    path("", admin.site.urls),
]
