"""The addresses of the dashboard."""

from django.urls import path, re_path

from notifications import (
    actions,
    administration,
    api_token_views,
    api_views,
    beacon_views,
    bulk_device_views,
    bulk_views,
    case_views,
    credential_views,
    exports,
    gateway_views,
    payload_views,
    view_views,
    views,
    what_if_views,
)

app_name = "notifications"
urlpatterns = [
    path("", views.live, name="live"),
    path("search/", views.search, name="search"),
    path("devices/", views.devices, name="devices"),
    path("devices/many/", bulk_device_views.dry_run, name="devices-dry-run"),
    path(
        "devices/many/left-out.csv",
        bulk_device_views.left_out,
        name="devices-left-out",
    ),
    path("devices/many/start/", bulk_device_views.start, name="devices-start"),
    path("devices/<int:pk>/", views.device, name="device"),
    path("devices/<int:pk>/test-push/", actions.test_push, name="test-push"),
    path(
        "devices/<int:pk>/tokens/<int:token>/other-environment/",
        actions.try_other_environment,
        name="other-environment",
    ),
    path("devices/<int:pk>/reset/", actions.reset_strikes, name="reset-strikes"),
    path("devices/<int:pk>/reveal/", actions.reveal, name="reveal"),
    path("fleet/", views.fleet_insight, name="fleet"),
    path("pushes/", views.pushes, name="pushes"),
    path("pushes/compare/", case_views.compare, name="compare"),
    path("pushes/resend/", bulk_views.dry_run, name="bulk-dry-run"),
    path("pushes/resend/left-out.csv", bulk_views.left_out, name="bulk-left-out"),
    path("pushes/resend/start/", bulk_views.start, name="bulk-start"),
    path("bulks/<uuid:pk>/", bulk_views.progress, name="bulk"),
    path("bulks/<uuid:pk>/cancel/", bulk_views.cancel, name="bulk-cancel"),
    path("bulks/<uuid:pk>/results.csv", bulk_views.results, name="bulk-results"),
    path("pushes/<uuid:pk>/", views.push, name="push"),
    path("pushes/<uuid:pk>/case", case_views.page, name="case"),
    path("pushes/<uuid:pk>/case.json", case_views.as_json, name="case-json"),
    path("pushes/<uuid:pk>/resend/", actions.resend, name="resend"),
    path("pushes/<uuid:pk>/withdraw/", actions.withdraw_push, name="withdraw"),
    path("malformed/", views.malformed, name="malformed"),
    path("views/", view_views.add_view, name="add-view"),
    path("views/<int:pk>/rename/", view_views.rename_view, name="rename-view"),
    path("views/<int:pk>/delete/", view_views.delete_view, name="delete-view"),
    path("audit/", views.audit, name="audit"),
    path("failures/", views.failures, name="failures"),
    path("settings/", administration.settings, name="settings"),
    path("settings/apps/", administration.add_app, name="add-app"),
    path("settings/apps/<int:pk>/", administration.change_app, name="change-app"),
    path("settings/apps/<int:pk>/what-if/", what_if_views.show, name="what-if"),
    path("settings/apps/<int:pk>/rules/", what_if_views.save, name="save-rules"),
    path(
        "settings/apps/<int:pk>/beacon-secret/",
        beacon_views.make_beacon_secret,
        name="beacon-secret",
    ),
    path(
        "settings/credentials/", credential_views.set_credential, name="set-credential"
    ),
    path(
        "settings/certificates/",
        credential_views.set_certificate,
        name="set-certificate",
    ),
    path(
        "settings/credentials/<int:pk>/try/",
        credential_views.try_credential,
        name="try-credential",
    ),
    path("settings/feeds/<int:pk>/", administration.change_feed, name="change-feed"),
    path("settings/people/", administration.add_user, name="add-user"),
    path("settings/people/<int:pk>/", administration.toggle_user, name="toggle-user"),
    path(
        "settings/people/<int:pk>/group/",
        administration.change_group,
        name="change-group",
    ),
    path(
        "settings/people/<int:pk>/password/",
        administration.reset_password,
        name="reset-password",
    ),
    path("settings/api-tokens/", api_token_views.give, name="give-api-token"),
    path(
        "settings/api-tokens/<int:pk>/revoke/",
        api_token_views.revoke,
        name="revoke-api-token",
    ),
    path("settings/apps/<int:pk>/payloads/", payload_views.payloads, name="payloads"),
    path(
        "settings/apps/<int:pk>/payloads/<str:kind>/",
        payload_views.change_payload,
        name="change-payload",
    ),
    path("api/v1/pushes", api_views.pushes, name="api-pushes"),
    path("api/v1/pushes/<str:pk>", api_views.push, name="api-push"),
    re_path(r"^gateway/(?P<rest>.*)$", gateway_views.by_url, name="gateway"),
    path(
        "flexiapi/api/push_notification", gateway_views.by_json, name="gateway-flexiapi"
    ),
    re_path(
        r"^export/(?P<name>devices|pushes|failed|failures|audit|malformed|refused)"
        r"\.(?P<form>csv|ndjson)$",
        exports.download,
        name="export",
    ),
]
