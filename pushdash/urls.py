"""Every address of the product."""

from django.contrib.auth import views as auth
from django.urls import include, path

from pushdash import health
from pushdash.beacons import beacons
from pushdash.clocks import switch_clock, time_zone
from pushdash.first_run import first_run
from pushdash.languages import SignIn, choose_language
from pushdash.passwords import ChangePassword
from pushdash.try_lines import try_lines

handler500 = "pushdash.cases.server_error"
urlpatterns = [
    path("login/", SignIn.as_view(), name="login"),
    path("language/", choose_language, name="language"),
    path("time-zone/", time_zone, name="time-zone"),
    path("time-zone/switch/", switch_clock, name="switch-clock"),
    path("settings/sources/try/", try_lines, name="try-lines"),
    path("password/", ChangePassword.as_view(), name="password"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("first-run/<str:token>/", first_run, name="first-run"),
    path("api/v1/beacons", beacons, name="beacons"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", include("registrations.urls")),
    path("", include("notifications.urls")),
]
