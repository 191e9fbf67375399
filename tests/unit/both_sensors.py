"""The registry and the drivers, on both runtimes. Stand-ins in sys.modules are the hardware."""

import os
import sys
import time

from expect import equal, raises

from mailmote import sensors
from mailmote.civil import unix_time
from mailmote.errors import EndOfReadings, SensorError, SettingsError

NOW = 1387208400
HEADER = b"timestamp,value\n"


class File:
    """A file of these bytes for the length of a `with`."""

    def __init__(self, content):
        self._path = "/tmp/mailmote-both-sensors-%s-%d.csv" % (sys.implementation.name, time.time_ns())
        with open(self._path, "wb") as file:
            file.write(content)

    def __enter__(self):
        return self._path

    def __exit__(self, *_):
        os.remove(self._path)


class StandIn:
    """A module in sys.modules for the length of a `with`; None is one that cannot be imported."""

    def __init__(self, name, module):
        self._name = name
        self._module = module

    def __enter__(self):
        self._before = sys.modules.get(self._name)
        sys.modules[self._name] = self._module
        return self._module

    def __exit__(self, *_):
        del sys.modules[self._name]
        if self._before is not None:
            sys.modules[self._name] = self._before


class Pin:
    """machine.Pin: pins 0 to 39 exist, 34 to 39 have no pull."""

    IN = 1
    PULL_UP = 2
    PULL_DOWN = 3
    level = 1
    fault = None

    def __init__(self, number, mode=None, pull=None):
        if not 0 <= number < 40:
            raise ValueError("invalid pin")
        if number >= 34 and pull is not None:
            raise ValueError("pins 34~39 do not have pull-up or pull-down")
        self.number = number
        Pin.pull = pull

    def value(self):
        if Pin.fault:
            raise Pin.fault
        return Pin.level


class ADC:
    """machine.ADC of an ESP32: pins 32 to 39, calibrated readings."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3
    readings_uv = (1500000,)
    fault = None

    def __init__(self, pin):
        if pin.number < 32:
            raise ValueError("invalid pin")
        self._count = 0

    def atten(self, attenuation):
        ADC.attenuation = attenuation

    def read_uv(self):
        if ADC.fault:
            raise ADC.fault
        self._count += 1
        return ADC.readings_uv[(self._count - 1) % len(ADC.readings_uv)]


class RawADC:
    """machine.ADC of a chip with neither calibration nor attenuation."""

    def __init__(self, pin):
        pass

    def read_u16(self):
        return 32768


class Machine:
    def __init__(self, adc=ADC):
        self.ADC = adc
        self.Pin = Pin


def readings(driver):
    """What a driver gives until its end; a failed reading is the text of its error."""
    given = []
    while True:
        try:
            given.append(driver.read(NOW))
        except SensorError as error:
            given.append(str(error))
        except EndOfReadings:
            return given


def replayed(content, **options):
    with File(content) as path:
        options["path"] = path
        return readings(sensors.make("replay", options))


# The registry


def test_each_file_of_the_folder_is_a_driver():
    equal(sensors.names(), ("adc", "digital", "replay", "system"))


def test_each_driver_has_a_sound_table_of_options():
    for name in sensors.names():
        for key, row in sensors.options(name).items():
            kind, default, words = row
            equal((name, key, kind in (int, float, str, bool)), (name, key, True))
            equal((name, key, default is ... or type(default) is kind), (name, key, True))
            equal((name, key, len(words) > 10), (name, key, True))


def test_a_driver_that_is_not_there_is_told_with_those_that_are():
    for name in ("thermometer", "", "Replay", "../secrets", "replay.x", "__init__", "os", "_replay", "2x"):
        error = raises(SettingsError, sensors.make, name, {})
        equal((name, "adc, digital, replay, system" in str(error)), (name, True))
        raises(SettingsError, sensors.options, name)


ADDED = """
OPTIONS = {"gain": (int, 3, "how much")}

class Driver:
    paced = True

    def __init__(self, options, board):
        self.gain = options["gain"]
        self.board = board

    def read(self, now_s):
        return now_s, self.gain
"""


def copy(source, target):
    with open(source) as file:
        text = file.read()
    with open(target, "w") as file:
        file.write(text)


def remove(path):
    try:
        os.remove(path)
    except OSError:
        for name in os.listdir(path):
            remove(path + "/" + name)
        os.rmdir(path)


def test_a_driver_is_added_by_adding_its_file():
    # In a copy of the folder, since other tests may be listing the real one.
    package = "mote%d" % time.time_ns()
    root = "/tmp/" + package
    for folder in (root, root + "/sensors"):
        os.mkdir(folder)
    firmware = sensors.__file__.rsplit("sensors", 1)[0]
    for name in ("__init__.py", "errors.py", "redaction.py", "sensors/__init__.py"):
        copy(firmware + name, root + "/" + name)
    with open(root + "/sensors/added.py", "w") as file:
        file.write(ADDED)
    with open(root + "/sensors/notes.md", "w"):
        pass
    sys.path.insert(0, "/tmp")
    try:
        __import__(package + ".sensors")
        registry = sys.modules[package + ".sensors"]
        equal(registry.names(), ("added",))
        equal(registry.options("added"), {"gain": (int, 3, "how much")})
        equal(registry.make("added", {}).read(NOW), (NOW, 3))
        equal(registry.make("added", {"gain": 5}).read(NOW), (NOW, 5))
        equal(registry.make("added", {}, "board").board, "board")
    finally:
        sys.path.pop(0)
        remove(root)


def test_where_no_folder_can_be_listed_drivers_are_made_all_the_same():
    real = sensors.__file__
    sensors.__file__ = ".frozen/mailmote/sensors/__init__.py"
    try:
        equal(sensors.names(), ())
        sensors.make("system", {"metric": "uptime"})
        raises(SettingsError, sensors.make, "thermometer", {})
    finally:
        sensors.__file__ = real


def test_only_a_recording_is_not_live():
    for name, live in (("replay", False), ("adc", True), ("digital", True), ("system", True), ("gone", True)):
        equal((name, sensors.is_live(name)), (name, live))


def test_an_option_that_must_be_given_is_named():
    error = raises(SettingsError, sensors.make, "replay", {})
    equal('"path"' in str(error) and "mote.toml" in str(error), True)


# replay


def test_a_recording_gives_its_own_times():
    content = HEADER + b"2013-12-16 15:25:00,44.5\n2013-12-16 15:30:01,-3\r\n2014-02-28T23:59:59, 1e2 \n"
    equal(
        replayed(content),
        [
            (unix_time(2013, 12, 16, 15, 25), 44.5),
            (unix_time(2013, 12, 16, 15, 30, 1), -3.0),
            (unix_time(2014, 2, 28, 23, 59, 59), 100.0),
        ],
    )


def test_a_recording_may_be_of_local_time():
    equal(replayed(b"2013-12-16 15:25:00,1\n", utc_offset_s=3600), [(unix_time(2013, 12, 16, 14, 25), 1.0)])
    equal(replayed(b"2013-12-16 15:25:00,1\n", utc_offset_s=-3600), [(unix_time(2013, 12, 16, 16, 25), 1.0)])


def test_header_byte_order_mark_blank_lines_and_a_missing_last_line_break_do_no_harm():
    first = (unix_time(2013, 12, 16), 1.0)
    second = (unix_time(2013, 12, 17), 2.0)
    lines = b"2013-12-16 00:00:00,1\n\n  \n2013-12-17 00:00:00,2"
    for start in (b"", HEADER, b"\xef\xbb\xbf" + HEADER, b"\n" + HEADER.replace(b"\n", b"\r\n")):
        got = replayed(start + lines)
        if start[:1] == b"\n":
            equal(got[1:], [first, second])  # a header is on the first line
        else:
            equal((start, got), (start, [first, second]))


def test_an_empty_recording_ends_at_once_and_stays_ended():
    for content in (b"", HEADER, b"\n\n"):
        equal(replayed(content), [])
    with File(HEADER) as path:
        driver = sensors.make("replay", {"path": path})
        for _ in range(3):
            raises(EndOfReadings, driver.read, NOW)


BAD_LINES = (
    b"2013-12-16 15:25:00",
    b"2013-12-16 15:25:00,",
    b"2013-12-16 15:25:00,abc",
    b"2013-12-16 15:25:00,1,2",
    b"2013-12-16 15:25:00;1",
    b"2013-12-16 15:25,1",
    b"16.12.2013 15:25:00,1",
    b"2013/12/16 15:25:00,1",
    b"2013-13-16 15:25:00,1",
    b"2013-00-16 15:25:00,1",
    b"2013-12-00 15:25:00,1",
    b"2013-12-32 15:25:00,1",
    b"2013-02-29 15:25:00,1",
    b"2013-04-31 15:25:00,1",
    b"2013-12-16 24:00:00,1",
    b"2013-12-16 15:60:00,1",
    b"2013-12-16 15:25:60,1",
    b"-013-12-16 15:25:00,1",
    b"2013-12-16 15:2 :00,1",
    b"\xff\x00\xfe",
    b"x" * 119,
    b"x" * 120,
    b"x" * 121,
    b"x" * 5000,
    b"2013-12-16 15:25:00,1" + b" " * 500,
)


def test_a_bad_line_is_named_and_the_next_is_read():
    good = b"2013-12-16 15:30:00,7\n"
    for bad in BAD_LINES:
        got = replayed(HEADER + good + bad + b"\n" + good)
        equal((bad[:30], len(got), got[0], got[-1]), (bad[:30], 3, (NOW - 600, 7.0), (NOW - 600, 7.0)))
        equal((bad[:30], got[1][:25]), (bad[:30], "Line 3 of the recording /"))
        equal((bad[:30], "2013-12-16 15:40:00,44.9" in got[1]), (bad[:30], True))
        got = replayed(HEADER + good + bad)
        equal((bad[:30], len(got), got[1][:7]), (bad[:30], 2, "Line 3 "))


def test_a_leap_day_is_a_day():
    equal(replayed(b"2016-02-29 00:00:00,1\n"), [(unix_time(2016, 2, 29), 1.0)])


def test_the_longest_line_that_fits_is_read():
    line = b"2013-12-16 15:30:00,7"
    for length in (118, 119):
        padded = line + b" " * (length - len(line)) + b"\n"
        equal(replayed(HEADER + padded + padded), [(NOW - 600, 7.0)] * 2)


def test_progress_is_told_in_per_cent_of_the_bytes():
    line = b"2013-12-16 15:30:00,7\n"
    with File(line * 4) as path:
        driver = sensors.make("replay", {"path": path})
        equal(driver.paced, False)
        told = [driver.progress]
        for _ in range(4):
            driver.read(NOW)
            told.append(driver.progress)
        equal(told, [0, 25, 50, 75, 100])
        raises(EndOfReadings, driver.read, NOW)
        equal(driver.progress, 100)
    with File(b"") as path:
        equal(sensors.make("replay", {"path": path}).progress, 100)


def test_a_missing_recording_is_for_a_person_to_put_right():
    error = raises(SettingsError, sensors.make, "replay", {"path": "/no/such/file.csv"})
    equal("/no/such/file.csv" in str(error) and "mote.toml" in str(error), True)


def test_a_recording_that_cannot_be_read_is_a_failed_reading():
    class Broken:
        def readline(self, limit):
            raise OSError(5)

    with File(b"2013-12-16 15:30:00,7\n") as path:
        driver = sensors.make("replay", {"path": path})
        driver._file.close()
        driver._file = Broken()
        equal("cannot be read" in str(raises(SensorError, driver.read, NOW)), True)


# adc


def test_an_analog_input_is_the_mean_in_the_units_of_its_scale():
    with StandIn("machine", Machine()):
        ADC.readings_uv = (1000000, 2000000, 1500000, 1500000)
        equal(sensors.make("adc", {"pin": 34}).read(NOW), (NOW, 1500.0))
        equal(ADC.attenuation, ADC.ATTN_11DB)
        scaled = {"pin": 34, "scale": 0.5, "offset": -50.0, "samples": 1, "attenuation": 2.5}
        equal(sensors.make("adc", scaled).read(NOW), (NOW, 450.0))
        equal(ADC.attenuation, ADC.ATTN_2_5DB)
        equal(sensors.make("adc", {"pin": 34}).paced, True)
    with StandIn("machine", Machine(RawADC)):
        time_s, value = sensors.make("adc", {"pin": 26}).read(NOW)
        equal((time_s, 1649 < value < 1651), (NOW, True))


def test_an_analog_input_that_cannot_be_is_for_a_person_to_put_right():
    with StandIn("machine", Machine()):
        for options, words in (
            ({"pin": 2}, "Pin 2 "),
            ({"pin": 99}, "Pin 99 "),
            ({"pin": 34, "attenuation": 3.0}, "attenuation is 3.0 dB"),
            ({"pin": 34, "samples": 0}, "samples is 0"),
            ({"pin": 34, "samples": 65}, "samples is 65"),
        ):
            equal((words, words in str(raises(SettingsError, sensors.make, "adc", options))), (words, True))


def test_an_analog_input_that_fails_is_a_failed_reading():
    with StandIn("machine", Machine()):
        driver = sensors.make("adc", {"pin": 34})
        for fault in (OSError(5), ValueError("no")):
            ADC.fault = fault
            error = raises(SensorError, driver.read, NOW)
            equal("pin 34" in str(error) and "mote.toml" in str(error), True)
        ADC.fault = None
        driver.read(NOW)


# digital


def test_a_digital_input_is_zero_or_one():
    with StandIn("machine", Machine()):
        for invert, level, value in ((False, 0, 0), (False, 1, 1), (True, 0, 1), (True, 1, 0)):
            Pin.level = level
            equal(sensors.make("digital", {"pin": 4, "invert": invert}).read(NOW), (NOW, value))
        for pull, constant in (("up", Pin.PULL_UP), ("down", Pin.PULL_DOWN), ("none", None)):
            sensors.make("digital", {"pin": 4, "pull": pull})
            equal((pull, Pin.pull), (pull, constant))
        sensors.make("digital", {"pin": 35, "pull": "none"})


def test_a_digital_input_that_cannot_be_is_for_a_person_to_put_right():
    with StandIn("machine", Machine()):
        for options, words in (
            ({"pin": 40}, "Pin 40 "),
            ({"pin": 35}, "no pull"),
            ({"pin": 4, "pull": "sideways"}, 'pull is "sideways"'),
        ):
            equal(
                (words, words in str(raises(SettingsError, sensors.make, "digital", options))), (words, True)
            )


def test_a_digital_input_that_fails_is_a_failed_reading():
    with StandIn("machine", Machine()):
        driver = sensors.make("digital", {"pin": 4})
        Pin.fault = OSError(5)
        error = raises(SensorError, driver.read, NOW)
        Pin.fault = None
        equal("Pin 4 " in str(error) and "mote.toml" in str(error), True)


def test_without_hardware_the_settings_are_at_fault_and_the_reason_is_told():
    with StandIn("machine", object()):
        for name in ("adc", "digital"):
            error = raises(SettingsError, sensors.make, name, {"pin": 34})
            equal((name, "import" in str(error)), (name, True))


# system


class Network:
    STA_IF = 0

    class WLAN:
        fault = None

        def __init__(self, interface):
            equal(interface, Network.STA_IF)

        def status(self, what):
            equal(what, "rssi")
            if Network.WLAN.fault:
                raise Network.WLAN.fault
            return -61


def test_the_signal_strength_is_that_of_the_station_interface():
    with StandIn("network", Network):
        driver = sensors.make("system", {"metric": "rssi"})
        equal(driver.read(NOW), (NOW, -61))
        for fault in (OSError("not connected"), ValueError("unknown")):
            Network.WLAN.fault = fault
            error = raises(SensorError, driver.read, NOW)
            Network.WLAN.fault = None
            equal("[wifi]" in str(error), True)
    with StandIn("network", object()):
        raises(SensorError, driver.read, NOW)


def test_uptime_grows_with_the_ticks_across_their_wrap():
    from mailmote import compat

    ticks = [0]
    real = compat.ticks_ms
    compat.ticks_ms = lambda: compat.ticks_add(start, ticks[0])
    start = compat.ticks_add(0, -1000)  # MicroPython's ticks wrap a second later
    try:
        driver = sensors.make("system", {"metric": "uptime"})
        equal(driver.read(NOW), (NOW, 0))
        for step_ms, uptime_s in (
            (1999, 1),
            (1, 2),
            (2**28, 268437),
            (2**28, 536872),
            (2**28, 805308),
            (2**28, 1073743),
        ):
            ticks[0] += step_ms
            equal(driver.read(NOW), (NOW, uptime_s))
    finally:
        compat.ticks_ms = real


def test_the_free_heap_is_a_number_of_bytes():
    _, value = sensors.make("system", {"metric": "free_heap"}).read(NOW)
    equal(isinstance(value, int) and value >= 0, True)


def test_an_unknown_metric_is_for_a_person_to_put_right():
    error = raises(SettingsError, sensors.make, "system", {"metric": "mood"})
    equal("free_heap, uptime or rssi" in str(error), True)
