import os, sys, subprocess
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]="true"
from datetime import timedelta
import pytest
from django.utils import timezone
from tests import factories
from tests.people import person
from notifications.handling import settle
pytestmark = pytest.mark.django_db(transaction=True)
def test_shots(open_as, context):
    now = timezone.now()
    factories.feed("edge-1", seen_until=now, has_assumed=True)
    for n in range(12):
        d = factories.registered_device(f"sip:user{n}@sip.example.org")
        d.user_agent="LinphoneiOS/5.2.3 (iPhone) LinphoneSDK/5.3"; d.save()
        strikes = {0:3,1:2,2:1,3:3}.get(n,0)
        for k in range(max(1,strikes)):
            at = now - timedelta(minutes=14-4*k)
            factories.accepted_push(d, at)
            if not strikes: factories.sighting(d, at+timedelta(seconds=1+n/3))
        if n in (0,1,2): factories.sighting(d, now - timedelta(minutes=3))
    settle(now)
    u = person("olga","see")
    page = open_as(u)
    page.wait_for_timeout(1500)
    for theme in ("light","dark"):
        page.evaluate("t=>document.documentElement.setAttribute('data-bs-theme',t)", theme)
        for w,h in ((1440,900),(1024,800),(390,844)):
            page.set_viewport_size({"width":w,"height":h}); page.wait_for_timeout(300)
            page.screenshot(path=f"/tmp/pd/shot-live-{w}-{theme}.png", full_page=(w==390))
    context.clear_cookies()
    page.set_viewport_size({"width":1440,"height":900})
    page.goto("/login/"); page.screenshot(path="/tmp/pd/shot-login.png")
