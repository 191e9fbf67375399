"""How fast a board may send, alone and with others, under every clock there is."""

import math

from expect import equal, raises

from mailmote.policy.rate import Rate

T = 1792800000
INTERVAL_S = 62 / 30


def draws(seed):
    """Numbers that are the same on both runtimes."""
    while True:
        seed = (seed * 48271) % 2147483647
        yield seed >> 8


def evenly(seed, least, most, unit=1.0):
    """A function that gives numbers from `least` to `most`, in `unit`."""
    draw = draws(seed)
    return lambda: (least + next(draw) % (most - least + 1)) * unit


def drain(rate, count, start_s=0.0, unix_s=float(T), late_s=None, whole=False, step_s=None):
    """The real times at which `count` waiting messages begin, and the longest wait that was told.

    `late_s` and `step_s` give how late the board is, and how far the clock is set, each time. `whole`: the
    board tells time in whole seconds.
    """
    now_s = start_s
    offset_s = unix_s - start_s
    begun = []
    longest_s = 0
    while len(begun) < count:
        if step_s:
            offset_s += step_s()
        told_now_s, told_unix_s = (int(now_s), int(now_s + offset_s)) if whole else (now_s, now_s + offset_s)
        wait_s = rate.wait_s(told_now_s, told_unix_s)
        longest_s = max(longest_s, wait_s)
        if not wait_s:
            rate.began(told_now_s)
            begun.append(now_s)
            rate.succeeded()
        now_s += wait_s + (late_s() if late_s else 0)
    return begun, longest_s


def peak(times):
    """The most in any 60 s."""
    most = first = 0
    for last in range(len(times)):
        while times[last] - times[first] >= 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def speed(times):
    """Messages a minute, first to last."""
    return (len(times) - 1) * 60 / (times[-1] - times[0])


def test_a_board_alone_sends_30_a_minute_and_never_more():
    begun, _ = drain(Rate(), 400)
    equal(begun[0], 0)
    equal(peak(begun), 30)
    equal(speed(begun) > 26, True)
    equal((begun[:4], begun[4] > 0), ([0, 0, 0, 0], True))


def test_whole_seconds_and_lateness_never_exceed_the_share():
    for share in (1.0, 0.5, 0.3, 0.1, 0.7, 1 / 3, 0.333, 0.02, 1 / 31):
        for whole in (False, True):
            for most_ms in (0, 300, 900, 5000):
                late_s = evenly(3, 0, most_ms, 0.001)
                begun, _ = drain(Rate(share, 1), 60, 0.7, T + 0.4, late_s, whole)
                allowed = math.ceil(share * 30 - 0.001)
                equal((share, whole, most_ms, peak(begun) <= allowed), (share, whole, most_ms, True))


def test_a_board_that_is_in_time_loses_nothing_to_its_clock():
    for share in (1.0, 0.5, 0.3, 0.1, 1 / 3, 0.333, 0.02):
        for whole in (False, True):
            begun, _ = drain(Rate(share, 1), 100, 0.7, T + 0.4, evenly(5, 0, 100, 0.001), whole)
            least = 0.86 if share == 1 else 0.92
            equal((share, whole, speed(begun) > share * 30 * least), (share, whole, True))


def test_a_quiet_board_sends_at_once():
    for share, slot in ((1.0, 0), (0.5, 1), (0.3, 2), (1 / 500, 499)):
        rate = Rate(share, slot)
        for message in range(10):
            now_s = message * 3 / share
            equal((share, rate.wait_s(now_s, T + now_s)), (share, 0))
            rate.began(now_s)


def test_after_an_outage_a_board_waits_for_its_slot_and_then_no_more():
    rate = Rate(0.25, 3)
    rate.outage()
    start_s = T - T % 248  # 30 rounds of four slots
    equal(rate.wait_s(0, start_s), math.ceil(3 * INTERVAL_S))
    equal(rate.wait_s(3, start_s + 3), math.ceil(3 * INTERVAL_S) - 3)
    equal(rate.wait_s(7, start_s + 7), 0)
    rate.began(7)
    equal(rate.wait_s(100, start_s + 100), 0)


def test_a_slot_that_nobody_took_is_waited_for_again():
    rate = Rate(1 / 500, 250)
    rate.outage()
    first_s = rate.wait_s(0, T)
    for late_s, over in ((0, False), (30, False), (599, False), (601, True)):  # a slow server takes minutes
        equal((late_s, rate.wait_s(first_s + late_s, T + first_s + late_s) > 400), (late_s, over))


def test_an_outage_takes_back_what_was_told_before():
    rate = Rate(1 / 500, 250)
    equal(rate.wait_s(0, T), 0)
    rate.outage()
    equal(rate.wait_s(0, T) > 0, True)


def test_a_board_of_many_that_is_late_keeps_its_next_slot():
    rate = Rate(1 / 500, 250)
    rate.outage()
    now_s = rate.wait_s(0, T) + 10
    equal(rate.wait_s(now_s, T + now_s), 0)
    rate.began(now_s)
    equal(rate.wait_s(now_s, T + now_s) <= 500 * INTERVAL_S - 9, True)


def test_a_board_of_many_rests_for_its_interval():
    waits = []
    for unix_s in range(T, T + 1100, 11):
        rate = Rate(1 / 500, 250)
        rate.began(0)
        waits.append(rate.wait_s(0, unix_s))
    equal(500 * INTERVAL_S - 16 <= min(waits) < 500 * INTERVAL_S, True)


def test_a_board_alone_does_not_wait_after_an_outage():
    rate = Rate()
    rate.outage()
    equal(rate.wait_s(0, T), 0)


def released(boards, unix_s, messages=1, late_s=None, whole=False):
    """When each message of `boards` boards begins that an outage releases at once."""
    begun = []
    for slot in range(boards):
        rate = Rate(1 / boards, slot)
        rate.outage()
        start_s = slot * 7.37 if whole else 0  # each board counts from its own start
        begun.extend(
            [time_s - start_s for time_s in drain(rate, messages, start_s, unix_s, late_s, whole)[0]]
        )
    return sorted(begun)


def test_500_boards_drain_at_full_speed_and_never_faster():
    for unix_s in (T, T + 1.9, T + 517.3):
        begun = released(500, unix_s)
        equal(len(begun), 500)
        equal(peak(begun) <= 30, True)
        equal(begun[-1] <= 1.05 * 1000, True)


def test_500_boards_that_tell_whole_seconds():
    begun = released(500, T + 0.6, whole=True)
    equal(peak(begun) <= 30, True)
    equal(begun[-1] <= 1.05 * 1000, True)


def test_500_boards_with_more_to_tell_keep_their_slots():
    begun = released(500, T + 3.3, 3, evenly(9, 0, 100, 0.001))
    equal(len(begun), 1500)
    equal(peak(begun) <= 30, True)
    equal(begun[-1] <= 1.05 * 3000, True)


def test_a_few_boards_together():
    for boards in (2, 3, 7, 30):
        for unix_s in (T, T + 1.1):
            begun = released(boards, unix_s, 120 // boards)
            equal((boards, peak(begun) <= 30), (boards, True))
            equal((boards, speed(begun) > 29), (boards, True))


def test_a_few_boards_that_are_late_and_tell_whole_seconds():
    for boards in (2, 3, 7, 30):
        begun = released(boards, T + 1.1, 240 // boards, evenly(17, 0, 200, 0.001), True)
        equal((boards, peak(begun) <= 30), (boards, True))
        equal((boards, speed(begun) > 27), (boards, True))


def test_boards_that_were_never_in_an_outage_share_as_well():
    begun = []
    for slot in range(5):
        begun.extend(drain(Rate(0.2, slot), 30, slot * 0.3, T)[0])
    later = sorted([time_s for time_s in begun if time_s > 15])  # each sends its first at once
    equal(peak(later) <= 30, True)


def test_throttled_halves_down_to_a_sixteenth_and_successes_raise_it():
    for share, slot, interval_s in ((1.0, 0, 68 / 30), (0.25, 3, 4 * INTERVAL_S)):
        rate = Rate(share, slot)
        now_s = 0
        for _ in range(4):  # what a board alone may begin at once
            rate.began(now_s)
        for factor in (2, 4, 8, 16, 16):
            rate.throttled()
            times = []
            for _ in range(31):
                now_s += rate.wait_s(now_s, T + now_s)
                rate.began(now_s)
                times.append(now_s)
            equal((share, factor, round((times[-1] - times[0]) / 30 / interval_s)), (share, factor, factor))
        gaps = []
        for _ in range(20):
            rate.succeeded()
            last_s = now_s
            now_s += rate.wait_s(now_s, T + now_s)
            rate.began(now_s)
            gaps.append(now_s - last_s)
        equal((share, gaps[0] >= 7 * interval_s), (share, True))
        equal(all(gaps[index] >= gaps[index + 2] - 1 for index in range(len(gaps) - 2)), True)
        equal((share, gaps[-1] <= interval_s + 1), (share, True))


def test_throttled_in_the_middle_of_a_wait_makes_it_longer():
    rate = Rate(0.1, 4)
    rate.began(0)
    before_s = rate.wait_s(0, T)
    rate.throttled()
    equal(rate.wait_s(0, T) >= before_s + 20, True)


def test_a_clock_that_is_set_makes_no_board_faster_and_delays_by_two_intervals_at_most():
    for share in (1.0, 0.5, 0.3, 0.1, 1 / 40):
        for span_s in (1, 3, 100, 10**8):
            begun, longest_s = drain(Rate(share, 2), 80, step_s=evenly(13, -span_s, span_s))
            gaps = [begun[index + 1] - begun[index] for index in range(len(begun) - 1)]
            equal((share, span_s, peak(begun) <= math.ceil(share * 30 - 0.001)), (share, span_s, True))
            equal((share, max(gaps) <= 2 * INTERVAL_S / share + 1), (share, True))
            equal((share, longest_s <= 2 * INTERVAL_S / share + 1), (share, True))


def test_a_clock_that_is_not_set_serves():
    for unix_s in (0, 946684800, -5):
        rate = Rate(0.1, 9)
        rate.outage()
        equal(0 <= rate.wait_s(0, unix_s) <= 21, True)


def test_it_outlives_deep_sleep():
    rate = Rate(0.1, 0)
    rate.throttled()
    rate.began(1000)
    rate.outage()
    data = rate.pack(1010)
    equal(len(data), 6)
    for slept_s, least_s in ((0, 30), (20, 10), (3600, 0)):
        woken = Rate(0.1, 0)
        woken.unpack(data, 5, slept_s)
        wait_s = woken.wait_s(5, T)
        equal((slept_s, least_s <= wait_s <= least_s + 22), (slept_s, True))
        woken.began(5 + wait_s)
        equal(woken.wait_s(5 + wait_s, T) >= 40, True)


def test_an_outage_outlives_deep_sleep():
    rate = Rate(1 / 500, 250)
    rate.outage()
    woken = Rate(1 / 500, 250)
    woken.unpack(rate.pack(0), 0)
    equal(woken.wait_s(0, T), rate.wait_s(0, T))
    equal(woken.wait_s(0, T) > 0, True)


def test_a_state_of_nothing_sends_at_once():
    woken = Rate(0.1, 0)
    woken.unpack(Rate(0.1, 0).pack(0), 0)
    equal(woken.wait_s(0, T), 0)


def test_what_is_no_state_is_refused():
    raises(ValueError, Rate().unpack, b"", 0)
