"""The addresses of the ground floor: where captures are posted to."""

from __future__ import annotations

from django.urls import re_path

from registrations import views

app_name = "registrations"
urlpatterns = [
    re_path(r"^api/v1/logs/(?P<feed>[\w.-]{1,100})/?$", views.logs, name="logs"),
]
