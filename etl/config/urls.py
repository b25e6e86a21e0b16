from django import http
from django.contrib import admin
from django.urls import path
from django.views import defaults

from etl.config import health, moved
from warehouse.admin import start


admin.autodiscover()
admin.site.site_title = admin.site.site_header = "D0010 meter readings"
admin.site.index_title = "Find a reading"
admin.site.site_url = None  # there is no other site than this
admin.site.enable_nav_sidebar = False  # the start page has it all, and tables want the width

urlpatterns = [
    path("healthz", health.page),
    # Where Django's admin stands by custom, and people type it.
    path("admin/", moved.page),
    path("admin/<path:rest>", moved.page),
    # It would name rows, and with them meter points, without a record; no form here asks it.
    path("autocomplete/", defaults.page_not_found, {"exception": http.Http404()}),
    path("", admin.site.admin_view(start.page)),
    path("", admin.site.urls),
]
