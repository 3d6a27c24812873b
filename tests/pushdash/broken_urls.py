"""Addresses of tests: one that breaks, one that is forbidden."""

from django.core.exceptions import PermissionDenied
from django.urls import path

from pushdash import urls


def broken(request):
    raise RuntimeError("broken on purpose")


def forbidden(request):
    raise PermissionDenied


handler500 = urls.handler500
urlpatterns = [
    path("broken/", broken),
    path("forbidden/", forbidden),
    *urls.urlpatterns,
]
