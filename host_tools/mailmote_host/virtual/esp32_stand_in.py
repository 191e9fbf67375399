"""What the firmware finds as `esp32` where there is none.

Runs on MicroPython's unix port and on CPython. As much of it as the firmware uses, with the arguments, the
limits and the errors of the ESP32 port (MicroPython's documentation of the module).
"""

import binascii
import json
import sys

_NVS_NOT_FOUND = -0x1102
_NVS_NOT_ENOUGH_SPACE = -0x1105
_NVS_KEY_TOO_LONG = -0x1109
_NVS_INVALID_LENGTH = -0x110C
# MicroPython gives NVS six pages of 126 entries of 32 bytes; one stays free (ESP-IDF, NVS, "Internals").
_NVS_ENTRIES = 5 * 126
_NVS_ENTRY_BYTES = 32
_NVS_KEY_CHARACTERS = 15  # ESP-IDF, NVS_KEY_NAME_MAX_SIZE less the final zero; namespaces too


class NvsFile:
    """Namespaces of blobs, in a file of JSON with base64. `open_file` and `rename` reach the host's files.

    A board has its NVS outside of Python's heap: it is loaded for each use.
    """

    def __init__(self, path, open_file, rename):
        self._path = path
        self._open_file = open_file
        self._rename = rename

    def load(self):
        """The namespaces: dictionaries of blobs in base64."""
        with self._open_file(self._path, "r") as file:
            return json.load(file)

    def save(self, namespaces):
        temporary = self._path + ".tmp"
        with self._open_file(temporary, "w") as file:
            json.dump(namespaces, file)
        self._rename(temporary, self._path)


class NVS:
    """Blobs of one namespace. What is set lasts once `commit` returns."""

    files = []  # the one NvsFile, put here by install()

    def __init__(self, namespace):
        check_nvs_name(namespace)
        self._all = NVS.files[0].load()
        self._blobs = self._all.setdefault(namespace, {})

    def get_blob(self, key, buffer):
        """Copy the blob into `buffer` and return its length. Raises OSError with ESP-IDF's numbers."""
        blob = binascii.a2b_base64(self._blobs[self._existing(key)])
        if len(blob) > len(buffer):
            raise OSError(_NVS_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(blob)] = blob
        return len(blob)

    def set_blob(self, key, value):
        """A blob that is there already keeps its room until the new one is written. Raises OSError."""
        check_nvs_name(key)
        if self._entries() + _entries(len(value)) > _NVS_ENTRIES:
            raise OSError(_NVS_NOT_ENOUGH_SPACE, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        self._blobs[key] = binascii.b2a_base64(value).decode().strip()

    def erase_key(self, key):
        del self._blobs[self._existing(key)]

    def commit(self):
        NVS.files[0].save(self._all)

    def _entries(self):
        """How many entries of the flash all blobs take."""
        blobs = [blob for blobs in self._all.values() for blob in blobs.values()]
        return sum([_entries(len(binascii.a2b_base64(blob))) for blob in blobs])

    def _existing(self, key):
        check_nvs_name(key)
        if key not in self._blobs:
            raise OSError(_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return key


def _entries(octets):
    """Entries that a blob takes: its data, the header of that, and an index."""
    return 2 + (octets + _NVS_ENTRY_BYTES - 1) // _NVS_ENTRY_BYTES


def check_nvs_name(name):
    """Raise OSError, as ESP-IDF does, for a key or namespace that is too long."""
    if len(name) > _NVS_KEY_CHARACTERS:
        raise OSError(_NVS_KEY_TOO_LONG, "ESP_ERR_NVS_KEY_TOO_LONG")


class Esp32:
    """The module `esp32`."""

    HEAP_DATA = 4
    HEAP_EXEC = 1
    NVS = NVS
    # One region, as an ESP32 has it with Wi-Fi up: (total, free, largest free block, least free).
    heap_regions = [(166000, 110000, 65536, 98000)]

    def idf_heap_info(self, capabilities):
        return list(Esp32.heap_regions)


def install(nvs_file):
    """Put it where `import` finds it; what the NVS keeps is in an NvsFile."""
    NVS.files[:] = [nvs_file]
    sys.modules["esp32"] = Esp32()  # pyright: ignore[reportArgumentType] - any object will do
