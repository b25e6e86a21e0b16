from django.contrib import admin
from django.urls import include, path

from etl.api import docs, upload_page, views


_FILE = "flow-files/<str:sha256>/"
_V1 = [
    path("docs/", admin.site.admin_view(docs.page), name="docs"),
    path("schema/", docs.SchemaView.as_view(), name="schema"),
    path("flow-files/", views.FlowFilesView.as_view(), name="flow_files"),
    path(_FILE, views.FlowFileView.as_view(), name="flow_file"),
    path(f"{_FILE}issues/", views.IssuesView.as_view(), name="issues"),
    path(f"{_FILE}content/", views.ContentView.as_view(), name="content"),
    path("meter-points/<str:mpan>/", views.MeterPointView.as_view(), name="meter_point"),
    path("meter-points/<str:mpan>/readings/", views.ReadingsView.as_view(), name="readings"),
    path("arrivals/", views.ArrivalsView.as_view(), name="arrivals"),
    path("meters/", views.MetersView.as_view(), name="meters"),
    path("<path:rest>", views.NothingView.as_view()),
]
urlpatterns = [
    path("api/v1/", include((_V1, "api"))),
    path(
        "warehouse/flowfile/upload/",
        admin.site.admin_view(upload_page.UploadPage.as_view()),
        name="upload_page",
    ),
    path(
        "warehouse/flowfile/<int:flow_file_id>/accept/",
        admin.site.admin_view(upload_page.AcceptPage.as_view()),
        name="accept_page",
    ),
]
