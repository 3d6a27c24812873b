"""As many pushes are under way as APNs answers soon."""

from __future__ import annotations

from notifications.window import FIRST, LATE_SECONDS, LEAST, MOST, Window


def test_it_doubles_each_round_while_all_is_answered_soon_and_has_an_end():
    window = Window()
    for _ in range(10):
        before = window.size
        window.learn(before // 2, 0)
        assert window.size == before
        window.learn(before - before // 2, 0)
        assert window.size == min(MOST, 2 * before)
    assert window.size == MOST


def test_an_accident_changes_nothing_and_what_is_more_halves_it():
    window = Window()
    window.learn(95, 5)
    assert window.size == 2 * FIRST
    window.learn(100, 11)
    assert window.size == FIRST
    window.learn(FIRST, 0)
    assert window.size == FIRST + FIRST // 10  # careful from now on
    for _ in range(20):
        window.learn(0, 50)
    assert window.size == LEAST
    window.learn(0, 0)
    assert window.size == LEAST


def test_nothing_is_begun_before_half_of_it_is_free():
    window = Window()
    rooms = [window.room(under_way) for under_way in (0, 50, 51, 100, 200)]
    assert rooms == [100, 50, 0, 0, 0]


def served(per_second: float, deadline: float = 5.0, seconds: int = 60) -> tuple:
    """How many an APNs of this pace answers in time and how many not, first come first
    served, a storm waiting.
    """
    window, queue, in_time, too_late, now, credit = Window(), [], 0, 0, 0.0, 0.0
    while now < seconds:
        queue += [now] * window.room(len(queue))
        now, credit = now + 0.05, credit + per_second * 0.05
        ended = [queue.pop(0) for _ in range(min(int(credit), len(queue)))]
        credit -= len(ended)
        took = [now - began for began in ended]
        in_time += sum(one <= deadline for one in took)
        too_late += sum(one > deadline for one in took)
        late = sum(one > LATE_SECONDS for one in took)
        window.learn(len(took) - late, late)
    return in_time, too_late


def test_an_apns_that_became_slow_loses_no_call_to_the_deadline():
    for pace in (2000, 300, 50, 25):
        in_time, too_late = served(pace)
        assert too_late == 0
        assert in_time > 0.8 * pace * 60


def test_an_apns_that_cuts_its_connections_takes_little_with_it():
    window, under_way, begun, answered, lost = Window(), 0, 0, 0, 0
    while begun < 20_000:
        room = window.room(under_way)
        cuts = (begun + room) // 500 - begun // 500
        begun, under_way = begun + room, under_way + room
        ended = 0 if cuts else min(under_way, 100)
        gone = under_way if cuts else 0
        under_way -= ended + gone
        answered, lost = answered + ended, lost + gone
        window.learn(ended, gone)
    assert lost < 0.2 * (answered + lost)
