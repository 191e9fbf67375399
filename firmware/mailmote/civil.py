"""Civil time by arithmetic: the same on every port, whatever its epoch, with no time zone database.

All times in mailmote are whole seconds since 1970-01-01 00:00:00 UTC. Integers only: the ESP32's floats
have 24 bits, too few for a date. The algorithm counts days from 1 March, so that the leap day ends a year.
"""

_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_WEEKDAYS = "ThuFriSatSunMonTueWed"  # 1970-01-01 was a Thursday


def days_from_civil(year, month, day):
    """Days since 1970-01-01 of a date of the Gregorian calendar."""
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


def unix_time(year, month, day, hour=0, minute=0, second=0):
    """Seconds since 1970 of a civil time in UTC."""
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second


def civil_time(unix_s):
    """(year, month, day, hour, minute, second) in UTC of seconds since 1970."""
    days = unix_s // 86400
    rest = unix_s - days * 86400
    days += 719468
    era = days // 146097
    day_of_era = days - era * 146097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    return (
        year,
        month,
        day_of_year - (153 * shifted + 2) // 5 + 1,
        rest // 3600,
        rest // 60 % 60,
        rest % 60,
    )


def stamp(unix_s, utc_offset_s=0):
    """`2013-12-16 15:40`, for people, in local time."""
    return "%04d-%02d-%02d %02d:%02d" % civil_time(unix_s + utc_offset_s)[:5]


def offset_text(utc_offset_s):
    """`+0530`: the zone of RFC 5322 section 3.3."""
    sign = "-" if utc_offset_s < 0 else "+"
    minutes = abs(utc_offset_s) // 60
    return "%s%02d%02d" % (sign, minutes // 60, minutes % 60)


def rfc5322_date(unix_s, utc_offset_s=0):
    """`Mon, 16 Dec 2013 15:40:00 +0000`: date-time of RFC 5322 section 3.3."""
    local_s = unix_s + utc_offset_s
    year, month, day, hour, minute, second = civil_time(local_s)
    weekday = local_s // 86400 % 7 * 3
    return "%s, %d %s %04d %02d:%02d:%02d %s" % (
        _WEEKDAYS[weekday : weekday + 3],
        day,
        _MONTHS[month * 3 - 3 : month * 3],
        year,
        hour,
        minute,
        second,
        offset_text(utc_offset_s),
    )


def duration(seconds):
    """`3 h 5 min`: the two largest units, for people."""
    seconds = int(seconds)
    if seconds < 60:
        return "%d s" % seconds
    minutes = seconds // 60
    if minutes < 60:
        return "%d min" % minutes
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return "%d h %d min" % (hours, minutes) if minutes else "%d h" % hours
    days, hours = divmod(hours, 24)
    return "%d d %d h" % (days, hours) if hours else "%d d" % days
