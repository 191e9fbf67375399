"""What esptool prints when it fails becomes words with a fix."""

import pytest
from terminal import Terminal

from mailmote_host.board import esptool_process
from mailmote_host.board.esptool_trouble import EsptoolError, converted
from mailmote_host.board.ports import PortError

PORT = "rfc2217://127.0.0.1:9"
BEGINNING = (
    "esptool v5.6.0\nConnecting...NOTE: Failed to get VID/PID of a device on x. Using standard reset.\n"
    "Connected to ESP32 on x:\nStub flasher running.\n"
)


@pytest.mark.parametrize(
    ("printed", "reason", "said"),
    [
        ("Failed to connect to ESP32: No serial data received.", "not in loader", "hold BOOT"),
        ("Failed to connect to ESP32-C3: Wrong boot mode detected (0x13)!", "not in loader", "hold BOOT"),
        ("Unexpected chip ID in image. Expected 5 but value was 0.", "wrong chip", "--board"),
        ("File x (length 5) at offset 4096 will not fit in 2097152 bytes of flash.", "too small", "flash"),
        ("MD5 of file does not match data in flash!", "verify", "another cable"),
        ("Verification failed.", "verify", "another cable"),
        ("Serial data stream stopped: Possible serial noise or corruption.", "noise", "short cable"),
        ("Packet content transfer stopped (received 8 bytes)", "noise", "short cable"),
        ("No serial data received.", "noise", "short cable"),
        ("Failed to start stub flasher. There was no response.", "noise", "short cable"),
        ("Timed out waiting for packet header", "noise", "short cable"),
        ("Flash encryption enabled, cannot write", "secured", "Use another board"),
        ("The moon is full.", "other", "esptool could not do it on rfc2217://127.0.0.1:9: The moon is full."),
    ],
)
def test_each_error_has_a_reason_and_a_fix(printed, reason, said):
    error = converted(PORT, f"{BEGINNING}\nERROR: A fatal error occurred: {printed}\n")
    assert isinstance(error, EsptoolError)
    assert error.reason == reason
    assert said in str(error)


@pytest.mark.parametrize(
    "printed",
    [
        "A serial exception error occurred: device reports readiness to read but returned no data",
        "serial.serialutil.SerialException: read failed: [Errno 5] Input/output error",
        "Writing at 0x00013ef9 5.4%\n\nHard resetting via RTS pin...\n",
        "A serial exception error occurred: connection failed: [Errno 104] Connection reset by peer",
    ],
)
def test_a_port_that_goes_away_is_no_matter_of_speed(printed):
    assert isinstance(converted(PORT, BEGINNING + printed), PortError)


def test_a_port_that_cannot_be_opened_is_told_as_the_system_has_it():
    printed = f"A fatal error occurred: Could not open {PORT}, the port is busy or doesn't exist.\n(refused)"
    error = converted(PORT, printed)
    assert isinstance(error, PortError)
    assert error.reason == "unreachable"


def test_nothing_that_the_chip_sent_gets_at_the_terminal():
    assert "\x1b" not in str(converted(PORT, "A fatal error occurred: \x1b[2J odd\n"))


def test_an_esptool_that_says_nothing_more_is_ended_and_told(monkeypatch):
    """On a terminal that nobody answers on; it is given up before it has begun to speak."""
    monkeypatch.setattr(esptool_process, "_MOST_SILENCE_S", 0.01)
    monkeypatch.setattr(esptool_process, "_END_WITHIN_S", 0.2)
    with Terminal() as terminal, pytest.raises(EsptoolError) as caught:
        esptool_process.run(terminal.name, esptool_process.Way(), ["flash-id"], lambda step, share: None)
    assert caught.value.may_pass
