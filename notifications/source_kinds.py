"""How each kind of source is connected: what to type or to set, for Settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind: its name, what it is good for, the settings and the command to copy."""

    name: str
    told: str
    snippets: tuple[str, ...]


def source_kinds() -> list[SourceKind]:
    """Every kind, the usual ones first; docs/sources.md says more of each."""
    return [
        SourceKind(
            _("Flexisip, log file"),
            _(
                "Log REGISTERs, OPTIONS and INVITEs alone at debug level in [global], then "
                "follow the file, through its rotation too."
            ),
            (
                "contextual-log-level=debug\n"
                "contextual-log-filter=request.method == 'REGISTER' || request.method == "
                "'OPTIONS' || request.method == 'INVITE'",
                "manage.py ingest --follow /var/opt/belledonne-communications/log/flexisip"
                "/flexisip-proxy.log",
            ),
        ),
        SourceKind(
            _("Flexisip, registrar in Redis"),
            _(
                "Each binding within a second. It shows who is bound, not every REGISTER."
            ),
            ("manage.py watch_registrar redis://:PASSWORD@HOST:6379/0",),
        ),
        SourceKind(
            _("Kamailio and OpenSIPS"),
            _("Print each REGISTER whole where it is received, then follow the log."),
            (
                'xlog("L_INFO", "RECEIVED $rm from $proto:$si:$sp (size $ml)\\n$mb");',
                "manage.py ingest --follow /var/log/kamailio.log",
            ),
        ),
        SourceKind(
            _("Asterisk and FreeSWITCH"),
            _("Let the console print SIP messages into a log, then follow it."),
            (
                "pjsip set logger on",
                "manage.py ingest --follow /var/log/asterisk/full",
            ),
        ),
        SourceKind(
            _("The journal, or any pipe"),
            _("While the pipe is open it counts as followed."),
            ("journalctl -f -o short-iso -u flexisip-proxy | manage.py ingest -",),
        ),
        SourceKind(
            _("HEP, live"),
            _("Copies of SIP messages that the server or a capture agent sends."),
            ("manage.py listen_hep --udp 0.0.0.0:9060 --allow 10.0.0.0/8",),
        ),
        SourceKind(
            _("A log collector over HTTP"),
            _(
                "Vector, Fluent Bit and others post lines to /api/v1/logs/NAME with the token "
                "that this command prints once."
            ),
            ("manage.py feed_token NAME",),
        ),
        SourceKind(
            _("An old log or a capture"),
            _(
                "Read once, gzip and pcap as they are. It shows devices and what is wrong with "
                "them, and proves nothing about wakes."
            ),
            ("manage.py ingest old.log.gz",),
        ),
    ]
