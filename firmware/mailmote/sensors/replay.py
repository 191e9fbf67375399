"""A recording in place of a sensor: lines of `2013-12-16 15:40:00,44.9` from a CSV file."""

from ..civil import civil_time, unix_time
from ..errors import EndOfReadings, SensorError, SettingsError

OPTIONS = {
    "path": (str, ..., "the CSV file on the board, with lines of `timestamp,value`"),
    "stop_at_end": (bool, False, "stop the agent after the last line, for tests and demonstrations"),
    "utc_offset_s": (int, 0, "how far the recorded times are ahead of UTC, in seconds"),
}

_MAX_LINE_BYTES = 120  # a line of a time and a number has about 40
_TIME_BYTES = 19  # 2013-12-16 15:40:00
_MARKS = ((4, b"-"), (7, b"-"), (10, b" T"), (13, b":"), (16, b":"), (19, b","))
_COMMA = ord(",")


class Driver:
    """Gives a line's time and value a `read`. `progress` is the percentage of the file that is read."""

    paced = False

    def __init__(self, options, board):
        self._path = options["path"]
        self._utc_offset_s = options["utc_offset_s"]
        self._line = 0
        self._read_bytes = 0
        try:
            self._file = open(self._path, "rb")  # noqa: SIM115 - open until the last reading
            self._bytes = self._file.seek(0, 2)
            self._file.seek(0)
        except OSError as error:
            raise SettingsError(
                "The recording %s cannot be opened (%s). Put the file there, or correct path in the "
                "[[sensor]] in mote.toml." % (self._path, error)
            )

    @property
    def progress(self):
        return self._read_bytes * 100 // self._bytes if self._bytes else 100

    def read(self, now_s):
        """The next (time_s, value). Raises SensorError for a line that is none, then goes on after it."""
        while True:
            line = self._next_line()
            if self._line > 1 or line[:1].isdigit():  # else the header, with or without a byte order mark
                try:
                    return _time(line) - self._utc_offset_s, float(line[_TIME_BYTES + 1 :])
                except (ValueError, IndexError) as error:
                    raise self._fault(str(error))

    def _next_line(self):
        """The next line that is not empty, without its end."""
        while True:
            line = self._read_part()
            if not line:
                self._file.close()
                self._bytes = self._read_bytes = 0
                raise EndOfReadings("The recording %s has come to its end." % self._path)
            self._line += 1
            if len(line) == _MAX_LINE_BYTES and line[-1:] != b"\n":
                self._skip_line()
                raise self._fault("it is longer than %d bytes" % _MAX_LINE_BYTES)
            line = line.rstrip()
            if line:
                return line

    def _skip_line(self):
        while True:
            part = self._read_part()
            if not part or part[-1:] == b"\n":
                return

    def _read_part(self):
        """A line, or as much of it as the bound allows; b"" at the end of the file."""
        if not self._bytes:
            return b""
        try:
            part = self._file.readline(_MAX_LINE_BYTES)
        except OSError as error:
            raise SensorError("The recording %s cannot be read (%s). Copy it again." % (self._path, error))
        self._read_bytes += len(part)
        return part

    def _fault(self, why):
        return SensorError(
            'Line %d of the recording %s is skipped: %s. A line looks like "2013-12-16 15:40:00,44.9".'
            % (self._line, self._path, why)
        )


def _time(line):
    """Seconds since 1970 of the time at the start of a line. Raises ValueError, IndexError."""
    for place, marks in _MARKS:
        if line[place] not in marks:
            raise ValueError("byte %d is not %r" % (place + 1, str(marks, "ascii")))
    month, day = _number(line, 5, 2), _number(line, 8, 2)
    hour, minute, second = _number(line, 11, 2), _number(line, 14, 2), _number(line, 17, 2)
    time_s = unix_time(_number(line, 0, 4), month, day, hour, minute, second)
    if not 1 <= month <= 12 or not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 59:
        raise ValueError("there is no such time")
    if day > 28 and civil_time(time_s)[2] != day:
        raise ValueError("the month has no such day")
    return time_s


def _number(line, start, length):
    """The digits at `start` as a number, without making a string of them."""
    number = 0
    for place in range(start, start + length):
        digit = line[place] - 48
        if not 0 <= digit <= 9:
            raise ValueError("byte %d is not a digit" % (place + 1))
        number = number * 10 + digit
    return number
