"""Every address of the product."""

from django.contrib.auth import views as auth
from django.urls import include, path

from pushdash import health
from pushdash.beacons import beacons
from pushdash.first_run import first_run

handler500 = "pushdash.cases.server_error"
urlpatterns = [
    path(
        "login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"
    ),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("first-run/<str:token>/", first_run, name="first-run"),
    path("api/v1/beacons", beacons, name="beacons"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", include("registrations.urls")),
    path("", include("notifications.urls")),
]
