"""As many pushes are under way as APNs answers soon."""

from __future__ import annotations

from notifications.window import FIRST, LEAST, MOST, Window


def test_it_doubles_while_all_is_answered_soon_and_has_an_end():
    window = Window()
    for _ in range(10):
        before = window.size
        window.learn([0.05] * before)
        assert window.size == min(MOST, 2 * before)
    assert window.size == MOST


def test_late_answers_halve_it_and_something_always_flows():
    window = Window()
    window.learn([0.05] * 99 + [1.2])
    assert window.size == FIRST // 2
    for _ in range(10):
        window.learn([5.0])
    assert window.size == LEAST
    window.learn([])
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
        window.learn(took)
    return in_time, too_late


def test_an_apns_that_became_slow_loses_no_call_to_the_deadline():
    for pace in (2000, 300, 50, 25):
        in_time, too_late = served(pace)
        assert too_late == 0
        assert in_time > 0.8 * pace * 60
