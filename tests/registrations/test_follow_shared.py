"""A syslog file that many programs share, followed line by line, restarts between."""

from __future__ import annotations

import pytest

from tests.registrations.followed import Followed, lines
from tests.registrations.formats.carriers import carried

pytestmark = pytest.mark.django_db(transaction=True)

OTHERS = b'"GET / HTTP/2.0" 200\nstarted\n' * 400


def shared(number: int) -> bytes:
    """The exchange of one phone as the journal hands a service's output to syslog."""
    return carried(lines(number).replace(b"\r\n\r\n", b"\r\n"), "rfc5424")


def test_it_is_followed_through_restarts_and_rotation(tmp_path, follow_here):
    path = tmp_path / "syslog"
    path.write_bytes(carried(OTHERS, "rfc5424"))
    followed: Followed = follow_here(path)
    assert followed.take_in() == []
    with path.open("ab") as log:
        for number, line in enumerate(shared(1).splitlines(keepends=True)):
            log.write(line)
            log.flush()
            followed.take_in()
            if number > 3:
                followed.start()
    assert followed.take_in() == [1]
    path.rename(tmp_path / "syslog.1")
    path.write_bytes(carried(OTHERS, "rfc5424") + shared(2))
    assert followed.take_in(5) == [1, 2]
    followed.start()
    with path.open("ab") as log:
        log.write(shared(3))
    assert followed.take_in(5) == [1, 2, 3]
