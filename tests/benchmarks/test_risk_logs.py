"""What the logs of `bin/bench risk` show, read by the product."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.risk_product import Product
from benchmarks.risk_world import MANNERS, Proxy
from registrations.models import Sighting
from simulator.phone import IosRule
from simulator.population import LINPHONE
from tests.factories import MORNING

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_every_phone_that_rang_is_seen_whatever_the_order_of_its_log(manner, tmp_path):
    end = MORNING + DAY
    proxy = Proxy(
        manner,
        tmp_path,
        seed=4,
        phones=6,
        start=MORNING,
        end=end,
        rule=IosRule(),
        shares={"open": 1.0},
    )
    proxy.live(end + MINUTE, lambda ring, phone: True, lambda ring, phone, row: None)
    product = Product(LINPHONE)
    product.now = end + MINUTE
    product.read(manner.name, str(proxy.log))
    product.stop(manner.name)
    rang = [call_id for one in proxy.truth.values() for call_id in one.rang]
    answers = Sighting.objects.filter(kind="answer", code=180)
    assert len(rang) > 20
    assert sorted(answers.values_list("call_id", flat=True)) == sorted(rang)
