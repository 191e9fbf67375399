"""Recipients of a rolling day: counted over restarts and steps of the clock."""

from expect import equal, raises

from mailmote.policy.budget import Budget

DAY_S = 86400
HOUR_S = 3600
T = 1792800000  # a day's beginning in 2026
Y2000 = 946684800


def worst_day(uses):
    """The most in any 24 h, of [(real time, count)] in order."""
    worst = 0
    for first in range(len(uses)):
        total = 0
        for time_s, count in uses[first:]:
            if time_s - uses[first][0] >= DAY_S:
                break
            total += count
        worst = max(worst, total)
    return worst


def draws(seed):
    """Numbers that are the same on both runtimes."""
    while True:
        seed = (seed * 48271) % 2147483647
        yield seed >> 8


def test_what_is_used_is_gone_for_a_day_and_back_within_28_hours():
    for hour in range(8):
        budget = Budget(100)
        begun_s = T + hour * HOUR_S
        equal(budget.left(begun_s), 100)
        budget.use(30, begun_s)
        equal(budget.left(begun_s), 70)
        equal(budget.left(begun_s + DAY_S), 70)
        equal(budget.left(begun_s + 28 * HOUR_S), 100)


def test_it_is_never_less_than_nothing():
    budget = Budget(10)
    budget.use(32, T)
    equal(budget.left(T), 0)


def test_any_24_hours_hold_the_limit():
    budget = Budget(50)
    draw = draws(7)
    uses = []
    time_s = T
    for _ in range(400):
        time_s += next(draw) % (2 * HOUR_S)
        count = min(next(draw) % 20, budget.left(time_s))
        budget.use(count, time_s)
        uses.append((time_s, count))
    equal(worst_day(uses) <= 50, True)
    equal(sum([count for _, count in uses]) > 400, True)


def test_the_number_is_written_seldom():
    budget = Budget(10000)
    writes = [number for number in [budget.use(1, T + use) for use in range(10000)] if number is not None]
    equal(len(writes), 99)
    equal(max(writes) < 10**12, True)


def test_a_small_limit_is_kept_to_the_last():
    budget = Budget(5)
    for left in (4, 3, 2, 1, 0):
        number = budget.use(1, T)
        woken = Budget(5)
        woken.load(number, T)
        equal((budget.left(T), woken.left(T)), (left, left))


def test_a_power_cut_costs_a_step_and_frees_nothing():
    budget = Budget(10000)
    kept = None
    for used in range(1, 4001):
        now_s = T + used * 20
        thirds = 1 + used * 20 // (8 * HOUR_S)
        kept = budget.use(1, now_s) or kept
        if used % 50 == 1:
            woken = Budget(10000)
            woken.load(kept, now_s)
            too_many = 10000 - used - woken.left(now_s)
            equal((used, 0 <= too_many < 102 * thirds), (used, True))


def test_many_restarts_hold_the_limit_and_forget_what_is_over():
    draw = draws(11)
    uses = []
    kept = None
    time_s = T
    budget = Budget(200)
    for _ in range(300):
        time_s += next(draw) % (4 * HOUR_S)
        if not next(draw) % 3:
            budget = Budget(200)
            budget.load(kept, time_s)
        count = min(next(draw) % 40, budget.left(time_s))
        kept = budget.use(count, time_s) or kept
        uses.append((time_s, count))
    days = (time_s - T) / DAY_S
    equal(worst_day(uses) <= 200, True)
    # 28 h, and a restart dates what was used to the end of its third of a day.
    equal(sum([count for _, count in uses]) > days * 200 * 24 / 36 * 0.8, True)


def test_daily_restarts_do_not_make_old_uses_new():
    kept = None
    time_s = T
    for _ in range(40):
        budget = Budget(10000)
        budget.load(kept, time_s)
        equal(budget.left(time_s) > 3500, True)
        kept = budget.use(3000, time_s) or kept
        time_s += 20 * HOUR_S


def test_a_kept_number_is_over_after_36_hours():
    for hour in range(8):
        used_s = T + hour * HOUR_S
        kept = Budget(100).use(30, used_s)
        for later_s, left in ((0, 70), (DAY_S, 70), (36 * HOUR_S, 100), (400 * DAY_S, 100)):
            woken = Budget(100)
            woken.load(kept, used_s + later_s)
            equal((hour, later_s, woken.left(used_s + later_s)), (hour, later_s, left))


def test_nothing_kept_is_nothing_used():
    budget = Budget(100)
    budget.load(None, T)
    equal(budget.left(T), 100)


def test_a_clock_behind_the_number_counts_it_as_now():
    kept = Budget(100).use(30, T)
    for unix_s in (0, Y2000, T - DAY_S):
        woken = Budget(100)
        woken.load(kept, unix_s)
        equal(woken.left(unix_s), 70)
        equal(woken.left(unix_s + DAY_S), 70)
        equal(woken.left(unix_s + 28 * HOUR_S), 100)


def test_a_clock_that_is_set_frees_nothing():
    for by_s in (T - Y2000, -DAY_S * 3000, 20 * HOUR_S, -20 * HOUR_S):
        start_s = Y2000 if by_s == T - Y2000 else T
        budget = Budget(100)
        budget.use(100, start_s)
        budget.clock_moved(by_s)
        equal((by_s, budget.left(start_s + by_s)), (by_s, 0))
        equal((by_s, budget.left(start_s + by_s + DAY_S)), (by_s, 0))
        equal((by_s, budget.left(start_s + by_s + 28 * HOUR_S)), (by_s, 100))


def test_what_is_used_in_the_next_third_of_a_day_is_written():
    budget = Budget(10000)
    equal(budget.use(1, T) is None, False)
    equal(budget.use(1, T + 60), None)
    kept = budget.use(1, T + 9 * HOUR_S)
    woken = Budget(10000)
    woken.load(kept, T + 33 * HOUR_S)
    equal(woken.left(T + 33 * HOUR_S), 10000 - 102)


def test_all_that_is_ahead_of_the_clock_counts_as_now():
    budget = Budget(99)
    budget.use(10, T)
    kept = budget.use(10, T + 9 * HOUR_S)
    woken = Budget(99)
    woken.load(kept, T - 8 * HOUR_S)
    equal(woken.left(T + 15 * HOUR_S), 79)


def test_a_clock_that_went_back_counts_in_the_number_as_now():
    budget = Budget(99)
    budget.use(10, T + 9 * HOUR_S)
    kept = budget.use(10, T)
    woken = Budget(99)
    woken.load(kept, T)
    equal(woken.left(T + 23 * HOUR_S), 79)


def test_the_number_is_one_that_can_be_kept():
    for unix_s in (0, Y2000, T, 4000000000):
        for limit in (1, 100, 10000):
            number = Budget(limit).use(limit * 3, unix_s)
            equal((unix_s, limit, 0 <= number < 10**12), (unix_s, limit, True))
            woken = Budget(limit)
            woken.load(number, unix_s)
            equal((unix_s, limit, woken.left(unix_s)), (unix_s, limit, 0))


def test_a_clock_that_was_set_is_in_the_next_number():
    budget = Budget(10000)
    budget.use(1, Y2000)
    budget.clock_moved(T - Y2000)
    kept = budget.use(1, T)
    woken = Budget(10000)
    woken.load(kept, T + HOUR_S)
    equal(woken.left(T + HOUR_S) < 10000, True)


def test_steps_back_that_nobody_told_free_nothing_and_do_not_block_for_ever():
    for by_s in (-HOUR_S, -20 * HOUR_S, -40 * HOUR_S, -3000 * DAY_S):
        budget = Budget(100)
        budget.use(100, T)
        equal((by_s, budget.left(T + by_s)), (by_s, 0))
        equal((by_s, budget.left(T + by_s + DAY_S)), (by_s, 0))
        equal((by_s, budget.left(T + by_s + 60 * HOUR_S)), (by_s, 100))


def test_a_clock_that_swings_frees_nothing():
    budget = Budget(100)
    budget.use(100, T)
    for _ in range(20):
        equal(budget.left(T - 27 * HOUR_S), 0)
        equal(budget.left(T), 0)


def test_it_outlives_deep_sleep_to_the_last_recipient():
    budget = Budget(10000)
    kept = budget.use(7, T)
    equal(kept is None, False)
    woken = Budget(10000)
    woken.unpack(budget.pack())
    equal(woken.left(T + 60), 9993)
    equal(woken.use(3, T + 60), None)
    equal(woken.left(T + DAY_S), 9990)
    equal(woken.left(T + 28 * HOUR_S), 10000)
    equal(len(budget.pack()), 24)


def test_a_state_of_nothing_is_nothing():
    woken = Budget(100)
    woken.unpack(Budget(100).pack())
    equal(woken.left(T), 100)


def test_what_is_no_state_is_refused():
    raises(ValueError, Budget(100).unpack, b"")


def test_any_number_is_taken_without_harm():
    for number in (0, 1, 999999999999, 10**14, 123456):
        budget = Budget(10000)
        budget.load(number, T)
        equal(0 <= budget.left(T) <= 10000, True)
        equal(budget.left(T + 36 * HOUR_S), 10000)
