"""How much may be sent: the pace and the recipients of a day, with what the flash keeps of them."""

from expect import equal
from flash_folder import on_flash

from mailmote import allowance, compat, errors, log
from mailmote.health import Health
from mailmote.store import state

BUSY = errors.RetryLater("busy", "server-busy")
MANY = errors.RetryLater("many", "concurrent-connections")
OTHER = errors.RetryLater("later", "deferred")
NAME = "recipients"


def settings(name="mote", **limits):
    wanted = {"mailbox_share": 1.0, "recipients_per_day": 100}
    wanted.update(limits)
    return {"device": {"name": name}, "limits": wanted}


def made(now_s=0, **limits):
    """An allowance whose monotonic time is `one.time_s`."""
    one = allowance.Allowance(settings(**limits), None)
    one.time_s = now_s
    one._now_s = lambda: one.time_s
    return one


def sent(one, count):
    """How many seconds it takes to begin so many mails."""
    begun_s = one.time_s
    for _ in range(count):
        one.time_s += one.wait_s()
        one.began(0)
    return one.time_s - begun_s


def test_after_an_outage_a_shared_mailbox_is_written_to_in_turn_unless_a_person_waits():
    def check():
        for hurried in (False, True):
            waits = []
            for slot in range(10):
                one = made(mailbox_share=0.1, mailbox_slot=slot)
                one.outage()
                if hurried:
                    one.hurry()
                waits.append(one.wait_s())
            equal((hurried, len([wait_s for wait_s in waits if wait_s > 1]) >= 8), (hurried, not hurried))

    on_flash(check)


def test_a_server_that_is_busy_or_slow_halves_the_pace_and_success_raises_it():
    def check():
        for results, took_s, slower in (
            ((None,), 0, False),
            ((OTHER,), 0, False),
            ((BUSY, None), 0, True),
            ((MANY,), 0, True),
            ((None,), 19, False),
            ((None,), 20, True),
        ):
            one = made()
            sent(one, 4)
            usual_s = sent(one, 10)
            one.judge(results, took_s)
            now_s = sent(one, 10)
            equal((results, took_s, now_s > usual_s * 1.5), (results, took_s, slower))
            for _ in range(16):
                one.judge((None,), 0)
            equal(sent(one, 10) <= usual_s + 3, True)

    on_flash(check)


def test_the_recipients_of_a_day_are_counted_over_restarts():
    def check():
        one = made()
        one.began(60)
        equal((one.used_up(40), one.used_up(41), one.wait_s(41)), (False, True, 3600))
        again = made()
        equal((again.used_up(38), again.used_up(41)), (False, True))

    on_flash(check)


def test_a_mail_to_more_than_a_day_has_may_leave_where_nothing_else_did():
    def check():
        one = made(recipients_per_day=3)
        equal((one.used_up(5), one.wait_s(5)), (False, 0))
        one.began(5)
        equal((one.used_up(1), one.wait_s(1)), (True, 3600))

    on_flash(check)


def test_few_mails_write_nothing_each():
    def check():
        writes = []
        write = state.write

        def counted(name, number):
            writes.append(name)
            write(name, number)

        state.write = counted
        try:
            one = made(recipients_per_day=10000)
            for _ in range(300):
                one.began(1)
        finally:
            state.write = write
        equal((len(writes) <= 3 + 1, set(writes)), (True, {NAME}))

    on_flash(check)


def test_the_pace_outlives_sleep():
    class Clock:
        time_s = 1800000000
        now_s = staticmethod(lambda: Clock.time_s)

    def check():
        before, allowance.clock = allowance.clock, Clock
        try:
            one = made()
            for _ in range(2):
                one.judge((BUSY,), 0)
            sent(one, 4)
            one.began(30)
            wait_s = one.wait_s()
            packed = one.pack()
            equal((wait_s > 5, len(packed)), (True, allowance.PACKED_BYTES))
            for slept_s, left_s in ((0, wait_s), (5, wait_s - 5), (3600, 0), (-50, wait_s)):
                Clock.time_s += slept_s
                again = made(7000)
                again.unpack(packed)
                equal((slept_s, abs(again.wait_s() - left_s) <= 1), (slept_s, True))
                equal((again.used_up(70), again.used_up(71)), (False, True))
                Clock.time_s -= slept_s
            for data in (b"", packed[:-1], packed + b"x"):
                other = made()
                other.unpack(data)
                equal((other.wait_s(), other.used_up(71)), (0, True))  # of the flash alone
        finally:
            allowance.clock = before

    on_flash(check)


def test_a_flash_that_fails_keeps_no_mail_from_leaving():
    def check():
        def fail(name, number):
            raise errors.StorageError("planned")

        write, allowance.state.write, level, log.level = allowance.state.write, fail, log.level, 100
        try:
            one = made()
            one.began(1)
        finally:
            allowance.state.write, log.level = write, level
        equal(one.used_up(99), False)

    on_flash(check)


def test_boards_without_a_slot_are_spread_by_their_names():
    def check():
        waits = set()
        for number in range(20):
            one = allowance.Allowance(settings("freezer-%d" % number, mailbox_share=0.01), lambda: 0)
            one.outage()
            waits.add(one.wait_s())
        equal(len(waits) > 10, True)
        same = []
        for name in ("one", "two"):
            one = allowance.Allowance(settings(name, mailbox_share=0.01, mailbox_slot=7), lambda: 0)
            one.outage()
            same.append(one.wait_s())
        equal(abs(same[0] - same[1]) <= 1, True)

    on_flash(check)


def test_a_quiet_week_does_not_delay_the_next_mail_though_the_ticks_wrap():
    ticks = [0]
    span = 1 << 30

    def difference(later, earlier):
        return (later - earlier + span // 2) % span - span // 2

    def check():
        before = compat.ticks_ms, compat.ticks_diff
        compat.ticks_ms, compat.ticks_diff = lambda: ticks[0] % span, difference
        try:
            uptime_s = Health(None).uptime_s
            one = allowance.Allowance(settings(), uptime_s)
            for _ in range(4):
                one.began(1)
            for _ in range(9):
                ticks[0] += 86400 * 1000
                uptime_s()  # the agent asks for it all the time
            equal(one.wait_s(), 0)
        finally:
            compat.ticks_ms, compat.ticks_diff = before

    on_flash(check)
