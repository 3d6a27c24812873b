"""Listings of real registrars give the state their REGISTERs left."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

from registrations.bindings import NotABinding, read_listing
from registrations.sip import read_contact
from tests.corpora import CORPORA, needs_corpora, rows

pytestmark = needs_corpora
DOMAIN = "sip.example.org"
DUMPED_AT = datetime.fromtimestamp(1795462883, UTC)


def listed(path: str, **options):
    raw = (CORPORA / path).read_bytes()
    text = gzip.decompress(raw) if path.endswith(".gz") else raw
    return list(read_listing(None, text.decode(), domain=DOMAIN, **options))


def summary(corpus: str) -> dict:
    return json.loads((CORPORA / corpus / "truth_summary.json").read_text())


def test_kamailios_usrloc_lists_who_is_still_bound():
    found = listed("linphone53-kamailio/usrloc_dump.txt", taken_at=DUMPED_AT)
    final = {
        (device["aor"], device["instance"]): device["final"]
        for device in summary("linphone53-kamailio")["devices"]
        if (device.get("final") or {}).get("expires") == 3600
        and device["final"]["registered"]
    }
    assert {(binding.aor, binding.instance) for binding in found} == set(final)
    for binding in found:
        truth = final[binding.aor, binding.instance]
        contact = read_contact(binding.contact)
        assert contact.uri == truth["contact"]
        assert contact.tokens == truth["tokens"]
        ends = datetime.fromtimestamp(truth["ts"] + truth["expires"], UTC)
        assert abs(binding.expires_at - ends) < timedelta(seconds=2)
        assert binding.updated_at == datetime.fromtimestamp(int(truth["ts"]), UTC)
        assert binding.user_agent == "Linphonec/5.3.105" and binding.cseq == 21


def test_asterisks_database_lists_every_contact_it_took():
    taken_at = datetime.fromtimestamp(1795462700, UTC)
    found = listed("asterisk22/database_registrar.txt.gz", taken_at=taken_at)
    assert len(found) == 93
    accepted: dict[tuple, float] = {}
    for row in rows("asterisk22/truth.jsonl"):
        for contact in row["contacts"]:
            key = row["aor"], json.dumps(contact["tokens"], sort_keys=True)
            expires = contact["effective_expires"]
            if row["status"] == 200 and expires:
                accepted[key] = row["ts"] + expires
    for binding in found:
        tokens = read_contact(binding.contact).tokens
        until = accepted[binding.aor, json.dumps(tokens, sort_keys=True)]
        assert abs(binding.expires_at.timestamp() - until) <= 2, binding
        assert binding.updated_at is None and binding.instance is None


def test_a_contact_that_asterisk_cuts_short_is_never_taken_for_one():
    taken_at = datetime.fromtimestamp(1795462700, UTC)
    found = listed("asterisk22/pjsip_show_contacts.txt", taken_at=taken_at)
    assert len(found) == 93
    assert all(isinstance(one, NotABinding) for one in found)
    assert {one.rule for one in found} == {"contact_cut"}
