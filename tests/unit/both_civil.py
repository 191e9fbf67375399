"""Civil time, on both runtimes, against dates that a calendar tells."""

from expect import equal

from mailmote import civil

CASES = (
    (0, (1970, 1, 1, 0, 0, 0), "Thu, 1 Jan 1970 00:00:00 +0000"),
    (951782400, (2000, 2, 29, 0, 0, 0), "Tue, 29 Feb 2000 00:00:00 +0000"),
    (1387208400, (2013, 12, 16, 15, 40, 0), "Mon, 16 Dec 2013 15:40:00 +0000"),
    (4107542399, (2100, 2, 28, 23, 59, 59), "Sun, 28 Feb 2100 23:59:59 +0000"),
    (4107542400, (2100, 3, 1, 0, 0, 0), "Mon, 1 Mar 2100 00:00:00 +0000"),
)


def test_known_dates_both_ways():
    for unix_s, fields, text in CASES:
        equal(civil.civil_time(unix_s), fields)
        equal(civil.unix_time(*fields), unix_s)
        equal(civil.rfc5322_date(unix_s), text)


def test_every_day_of_four_centuries_follows_the_one_before():
    for days in range(0, 146097, 97):
        year, month, day = civil.civil_time(days * 86400)[:3]
        equal(civil.days_from_civil(year, month, day), days)


def test_the_zone_shifts_the_local_time_and_is_told():
    equal(civil.rfc5322_date(1387208400, 19800), "Mon, 16 Dec 2013 21:10:00 +0530")
    equal(civil.rfc5322_date(1387208400, -12600), "Mon, 16 Dec 2013 12:10:00 -0330")
    equal(civil.stamp(1387208400, 3600), "2013-12-16 16:40")


def test_durations_in_words():
    for seconds, text in (
        (5, "5 s"),
        (900, "15 min"),
        (3660, "1 h 1 min"),
        (7200, "2 h"),
        (127800, "1 d 11 h"),
    ):
        equal(civil.duration(seconds), text)
