"""Where captures come from: feeds, the files they read, and what could not be read."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _


class Feed(models.Model):
    """One place captures come from, with how far it has been read.

    `seen_until` is the watermark: the moment of the newest complete record of any kind,
    never "now" because the end of a file was reached.
    """

    class Kind(models.TextChoices):
        FILE = "file", "Log file"
        PCAP = "pcap", "Capture"
        HEP = "hep", "HEP"
        HTTP = "http", "HTTP"
        REDIS = "redis", "Redis registrar"
        LISTING = "listing", "Bindings listing"
        BEACON = "beacon", "App beacons"

    name = models.TextField(unique=True)
    kind = models.TextField(choices=Kind.choices, default=Kind.FILE)
    #: Where it comes from, as a person would name it.
    path = models.TextField(blank=True, default="")
    format = models.TextField(blank=True, default="")
    #: How its server prints a REGISTER in one line; empty: as `docs/sources.md` says.
    xlog = models.TextField(blank=True, default="")
    #: IANA zone of time stamps that name none; empty: that of the machine pushdash runs on.
    timezone = models.TextField(blank=True, default="")
    #: In which its logs begin whose time stamps name none; null: by the files' last change.
    year = models.PositiveSmallIntegerField(null=True, default=None)
    enabled = models.BooleanField(default=True)
    #: `ingest --follow` reads it: only then can it promise to show a proof.
    followed = models.BooleanField(default=False)
    #: Take a REGISTER as accepted where the log cannot show the registrar's answer.
    assume_accepted = models.BooleanField(default=True)
    #: A registrar's answer was seen in it, so answers decide from then on.
    shows_answers = models.BooleanField(default=False)
    #: At least one registration of it rests on `assume_accepted`.
    has_assumed = models.BooleanField(default=False)
    #: Its records carry a time (None: nothing read yet).
    shows_times = models.BooleanField(null=True, default=None)
    heartbeat = models.DurationField(default=timedelta(seconds=60))
    default_expires = models.PositiveIntegerField(default=3600)
    seen_until = models.DateTimeField(null=True, default=None)
    last_read_at = models.DateTimeField(null=True, default=None)
    #: Its clock less ours, as `registrations.skew` measured it from what is followed live.
    skew = models.DurationField(default=timedelta())
    #: Why it cannot be read just now; empty while it can.
    trouble = models.TextField(blank=True, default="")
    trouble_since = models.DateTimeField(null=True, default=None)
    #: REGISTERs still waiting for their answer, so that a restart loses none.
    pending = models.JSONField(default=list)
    #: INVITEs under way whose branch may yet answer.
    branches = models.JSONField(default=list)
    register_count = models.BigIntegerField(default=0)
    rejected_count = models.BigIntegerField(default=0)
    #: Push lines read; `notifications.observed` looks where it has grown.
    push_line_count = models.BigIntegerField(default=0, db_default=0)
    #: Packets a listener refused or lost: reason → how many.
    refused = models.JSONField(default=dict)
    #: SHA-256 of the bearer token log collectors post with; empty: nobody may.
    token_digest = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Gap(models.Model):
    """A time of which a feed may have lost what was written, by our clock."""

    class Why(models.TextChoices):
        #: Nobody listened, or the connection was lost.
        AWAY = "away", _("nobody listened")
        #: More packets came than could be taken.
        PACKETS = "packets", _("packets were lost")
        #: A log was cut or gone before it was read to its end.
        LOG = "log", _("a log was gone before it was read")

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="gaps")
    since = models.DateTimeField()
    until = models.DateTimeField()
    why = models.TextField(choices=Why.choices)

    class Meta:
        ordering = ["since"]
        indexes = [
            # handling.settle: may this feed have lost the proof of a call?
            models.Index(fields=["feed", "until"], name="gap_of_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.feed_id} {self.why} {self.since} … {self.until}"


class LogFile(models.Model):
    """One file of a feed (each rotation is a new one) and the byte we have read up to.

    A source without files has one row of kind `stream`; its position counts records.
    """

    class Kind(models.TextChoices):
        FILE = "file"
        STREAM = "stream"

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="files")
    path = models.TextField()
    kind = models.TextField(choices=Kind.choices, default=Kind.FILE)
    #: The format found in it, empty until one was.
    format = models.TextField(blank=True, default="")
    inode = models.BigIntegerField(default=0)
    #: The digest of the first `head_bytes` bytes tells one rotation from the next.
    head_bytes = models.PositiveIntegerField(default=0)
    head_digest = models.TextField(blank=True, default="")
    #: The digest of the bytes just before `position` tells a file that was rewritten.
    tail_bytes = models.PositiveIntegerField(default=0)
    tail_digest = models.TextField(blank=True, default="")
    position = models.BigIntegerField(default=0)
    #: What a posted stream left over: the beginning of a record that is not yet whole.
    state = models.JSONField(default=dict)
    opened_at = models.DateTimeField()

    class Meta:
        indexes = [
            # ingest: "which file of this feed was I reading?"
            models.Index(fields=["feed", "-id"], name="logfile_newest_of_feed"),
            # following: the row of a path among the files of a tree
            models.Index(
                fields=["feed", "path"],
                opclasses=["int8_ops", "text_pattern_ops"],
                name="logfile_by_path",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} at {self.position}"


class Reading(models.Model):
    """The devices that one batch showed, and when: what looks for news looks here.

    The rows of one feed are committed in the order of their ids, for one reader holds its
    lock. Kept for a day.
    """

    KEPT = timedelta(days=1)

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="readings")
    read_at = models.DateTimeField()
    #: Keys of the devices, and of the tokens their records carried.
    devices = models.JSONField(default=list)
    tokens = models.JSONField(default=list)
    #: The oldest and the newest of their moments, by our clock.
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        indexes = [
            # handling.settle: what of this feed was not looked at yet
            models.Index(fields=["feed", "id"], name="reading_of_feed"),
            # ingest: what has been kept long enough
            models.Index(fields=["feed", "read_at"], name="reading_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.feed_id} read at {self.read_at}"


NEWEST = F("last_seen_at").desc(), F("id").desc()


class Malformed(models.Model):
    """One rule that one app's messages break, with how often and an example."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="malformed")
    rule = models.TextField()
    #: App and version (`LinphoneiOS/5.2.3`), empty where the message names none.
    app = models.TextField(blank=True, default="")
    #: Our words about the newest case.
    detail = models.TextField()
    #: What Flexisip logs of it when it has to push, empty where it logs nothing.
    flexisip = models.TextField(blank=True, default="")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    #: Among these moments is one of reading, for a message carried none.
    estimated = models.BooleanField(default=False)
    count = models.BigIntegerField(default=0)
    #: The newest case in full, without credentials, cut to 4,000 characters.
    example = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-last_seen_at", "rule"]
        constraints = [
            models.UniqueConstraint(
                fields=["feed", "rule", "app"], name="malformed_is_one_rule_of_one_app"
            )
        ]
        # Malformed page: by time, of one rule too; by how often
        indexes = [
            models.Index(*NEWEST, name="malformed_newest"),
            models.Index("rule", *NEWEST, name="malformed_of_rule"),
            models.Index(fields=["-count", "-id"], name="malformed_by_count"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} by {self.app or 'unknown'}"


class RoundPage(models.Model):
    """The requests of one batch that a later one may fold into, for after a restart."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="round_pages")
    #: The newest moment read by then; null where the log has no times.
    until = models.DateTimeField(null=True, default=None)
    #: A line each, as `folding.Rounds` writes them. Not JSON, and stored unpacked: there are
    #: thousands in a batch, and none is read before a restart.
    rounds = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.feed_id} until {self.until}"


class Rejected(models.Model):
    """One REGISTER we could not read, with the rule it broke."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="rejected")
    file = models.ForeignKey(LogFile, on_delete=models.CASCADE, related_name="rejected")
    position = models.BigIntegerField()
    moment = models.DateTimeField(null=True, default=None)
    read_at = models.DateTimeField()
    rule = models.TextField()
    detail = models.TextField()
    #: The text itself, without credentials, cut to 4,000 characters.
    excerpt = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["file", "position"], name="rejected_once_a_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} at {self.position}"
