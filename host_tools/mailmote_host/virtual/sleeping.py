"""Whether a process waits for something: the moment to send MicroPython's unix port a signal.

That port raises KeyboardInterrupt wherever the signal meets it (MICROPY_ASYNC_KBD_INTR), in the middle of
littlefs or of a garbage collection too; an ESP32 raises it between bytecodes only.
"""

from pathlib import Path


def sleeps(pid: int) -> bool:
    """True where a process sleeps, or where the system does not tell (it has no /proc)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True
    return fields.rpartition(b")")[2].split()[0] == b"S"
