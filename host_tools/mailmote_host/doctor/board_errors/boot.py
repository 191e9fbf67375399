"""What the chip prints when it starts, restarts or crashes, before and around MicroPython.

Sources: rom/rtc.h of each chip in ESP-IDF 5 (the names of the reset reasons), "Fatal "
"Errors" and "Bootloader",
docs.espressif.com/projects/esp-idf; "Boot Mode Selection", docs.espressif.com/projects/esptool;
ports/esp32/modules/inisetup.py of MicroPython.
"""

import re
from collections.abc import Iterator

from ..explanations.form import LongForm
from .form import Fault, Found

_FATAL = "https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-guides/fatal-errors.html"
_MODES = (
    "https://docs.espressif.com/projects/esptool/en/latest/esp32/advanced-topics/boot-mode-selection.html"
)
_POWER = (
    "Use another USB cable, short and thick, and plug it into the computer itself, not into a hub.",
    "Give sensors that draw much a supply of their own.",
    "On a battery, charge or replace it; put a capacitor of 100 µF or more beside the board's supply.",
)
_FLASH_AGAIN = (
    "Flash the image that is made for this board: mailmote flash.",
    "If it fails again, take a lower speed and another cable.",
)
_CRASH = (
    "See whether it comes back: a single crash leaves the alerts in the flash, and the board goes on.",
    "Flash a newer MicroPython: mailmote flash.",
    "If it comes with one sensor, take that sensor out, and report it with the lines of the crash.",
)

# Key, pattern, title, meaning, cause, fix, steps, link.
_ROWS = (
    (
        "brownout",
        r"Brownout detector was triggered|\w*BROWN_OUT\w*|\bBROWNOUT_RESET\b",
        "brownout",
        "The chip watches its own supply, and restarts rather than compute wrongly.",
        "The voltage fell too low, mostly at the moment when Wi-Fi starts and draws the most.",
        "Use a better USB cable or supply; take sensors that draw much off the board.",
        _POWER,
        _FATAL,
    ),
    (
        "flash-empty",
        r"invalid header: 0xffffffff",
        "invalid header: 0xffffffff",
        "0xffffffff is what an erased flash reads as.",
        "There is no program in the flash, or not at the place where this chip looks for it.",
        "Flash MicroPython: mailmote flash.",
        _FLASH_AGAIN,
        _MODES,
    ),
    (
        "flash-damaged",
        r"invalid header: 0x(?!ffffffff)[0-9a-f]{1,8}|csum err:|Checksum failed|flash read err|"
        r"Image hash failed|invalid segment length|image .{1,40} has invalid magic byte",
        "a damaged image",
        "The chip checks the program in the flash before it starts it.",
        "The program in the flash is not whole: flashing was cut off, or it is an image for another chip.",
        "Erase the flash and flash MicroPython again: mailmote flash.",
        _FLASH_AGAIN,
        _MODES,
    ),
    (
        "wrong-chip",
        r"mismatch chip ID|chip id .{1,20}mismatch|invalid chip|has invalid chip",
        "an image for another chip",
        "An image is made for one kind of chip.",
        "The image in the flash is for another chip.",
        "Flash the image that is made for this board: mailmote flash.",
        _FLASH_AGAIN,
        _MODES,
    ),
    (
        "flash-size",
        r"Detected size\(\d+k\) smaller than the size in the binary image header",
        "the flash is smaller",
        "The image says how large the flash is that it was made for.",
        "The image is for a board with more flash than this one has.",
        "Flash the image for this board, or its smaller variant: mailmote boards, then mailmote flash.",
        _FLASH_AGAIN,
        _MODES,
    ),
    (
        "no-partitions",
        r"No bootable app partitions|partition table.{0,40}(?:invalid|failed)|"
        r"Failed to verify partition table|Factory app partition is not bootable",
        "no program to start",
        "The flash has a table of its parts, with one for the program.",
        "The table, or the program that it names, is missing or damaged.",
        "Erase the flash and flash MicroPython again: mailmote flash.",
        _FLASH_AGAIN,
        _MODES,
    ),
    (
        "spiram-missing",
        r"PSRAM (?:ID read error|chip (?:is )?not (?:found|connected))|Failed to init "
        r"external RAM|"
        r"wrong PSRAM line mode|SPI RAM enabled but initialization failed",
        "no SPIRAM",
        "Images with SPIRAM in their names expect a memory chip beside the processor, in one of two wirings.",
        "The image is for a board with SPIRAM, or with another kind of it, and this board has none such.",
        "Flash the variant of MicroPython for this board: mailmote boards, then mailmote flash.",
        _FLASH_AGAIN,
        _MODES,
    ),
    (
        "filesystem-corrupted",
        r"The filesystem appears to be corrupted",
        "a corrupted file system",
        "MicroPython found something in the flash that is neither empty nor its file system.",
        "The files on the board are damaged, or a rest of another firmware is in their place.",
        "Save what you can with mailmote backup, then erase and flash the board: mailmote flash.",
        (
            "Erase all of the flash, not only the program's part.",
            "Provision the board again: mailmote provision.",
        ),
        "https://docs.micropython.org/en/latest/reference/filesystem.html",
    ),
    (
        "download-mode",
        r"waiting for download|\(DOWNLOAD[_(]|DOWNLOAD\(USB",
        "waiting for download",
        "The pin GPIO0 (GPIO9 on a C3 or C6), low at a reset, makes the chip wait for a new program.",
        "The board waits to be flashed and does not start its program: BOOT is pressed, or that pin is "
        "pulled down.",
        "Press RESET (EN) with BOOT released. If it stays so, take what is connected to GPIO0 or GPIO9 off.",
        (),
        _MODES,
    ),
    (
        "watchdog-reset",
        r"\b(?!\w*BROWN_OUT)\w*(?:RTCWDT|RTC_WDT|TG[01]_?WDT|SUPER_WDT|TGWDT)\w*(?=\))",
        "a watchdog restarted the board",
        "A watchdog restarts a board that does not report in time. mailmote's own does so when a part of "
        "it hangs, and every alert is in the flash by then.",
        "The program hung, or never started: in a loop right after the start, the flash is empty or damaged.",
        "If it comes again and again at the start, flash MicroPython anew. Else look at the lines before it.",
        _CRASH,
        _FATAL,
    ),
    (
        "task-watchdog",
        r"Task watchdog got triggered|Interrupt wdt timeout",
        "a watchdog of the system",
        "The chip's own software watches that each task gets its turn.",
        "A part of the program kept the processor for seconds, or with interrupts off.",
        "See whether it comes back; if it comes with one sensor, take that sensor out.",
        _CRASH,
        _FATAL,
    ),
    (
        "stack-overflow",
        r"Stack canary watchpoint|A stack overflow in task",
        "a stack overflow",
        "Each task has a stack of a fixed size.",
        "A task used more than its stack.",
        "Flash a newer MicroPython. In a program of your own, look for deep recursion.",
        _CRASH,
        _FATAL,
    ),
    (
        "crash",
        r"Guru Meditation Error|abort\(\) was called at PC|assert failed:|CORRUPT HEAP",
        "a crash of the chip",
        "The processor met something that it cannot do, printed where, and restarted. The name in "
        "parentheses says what: LoadProhibited and StoreProhibited are wrong addresses, IllegalInstruction "
        "a damaged flash.",
        "A fault in MicroPython or its drivers, a damaged flash, or a weak supply.",
        "See whether it comes back. If it does, flash a newer MicroPython and try another supply.",
        _CRASH,
        _FATAL,
    ),
)
_NORMAL = (
    (
        "reset-power-on",
        r"POWERON_RESET|\bPOWERON\b|CHIP_POWER_ON_RESET",
        "it was switched on, or RESET was pressed",
    ),
    (
        "reset-by-program",
        r"\b(?:RTC_)?SW_(?:CPU_|SYS_)?(?:RESET|RST)\b|SW_CPU_RESET|RTC_SW_SYS_RST|SW_RESET",
        "the program restarted it",
    ),
    ("reset-from-sleep", r"DEEPSLEEP_RESET|\bDSLEEP\b", "it woke up from deep sleep"),
    (
        "reset-by-usb",
        r"USB_UART_CHIP_RESET|USB_JTAG_CHIP_RESET|USB_UART_HPSYS",
        "a computer restarted it over USB",
    ),
)


def _fault(
    key: str, title: str, meaning: str, cause: str, fix: str, steps: tuple[str, ...], link: str
) -> Fault:
    return Fault(key, title, cause, fix, LongForm(meaning, steps, (), (link,)))


def _normal(key: str, words: str) -> Fault:
    meaning = "At each start the chip prints why it starts (rst) and from where (boot)."
    long_form = LongForm(meaning, (), (), (_MODES,))
    return Fault(
        key, "a start of the board", f"The board started because {words}.", "Nothing to do.", long_form, True
    )


_PATTERNS = tuple((re.compile(row[1]), _fault(row[0], *row[2:])) for row in _ROWS) + tuple(
    (re.compile(pattern), _normal(key, words)) for key, pattern, words in _NORMAL
)
FAULTS = tuple(fault for _, fault in _PATTERNS)

# The esp32's numbers, where the name in parentheses is cut off; other chips have other numbers for some.
_BARE_REASON = re.compile(r"\brst:0x([0-9a-f]{1,2})\b(?! ?\()", re.I)
_BY_REASON = {
    0x1: "reset-power-on",
    0x3: "reset-by-program",
    0x5: "reset-from-sleep",
    0x7: "watchdog-reset",
    0x8: "watchdog-reset",
    0x9: "watchdog-reset",
    0xC: "reset-by-program",
    0xF: "brownout",
    0x10: "watchdog-reset",
}
_BY_KEY = {fault.key: fault for fault in FAULTS}


def find(text: str) -> Iterator[Found]:
    """Each message of the chip."""
    for pattern, fault in _PATTERNS:
        for match in pattern.finditer(text):
            yield Found(match.start(), fault)
    for match in _BARE_REASON.finditer(text):
        key = _BY_REASON.get(int(match[1], 16))
        if key:
            yield Found(match.start(), _BY_KEY[key])
