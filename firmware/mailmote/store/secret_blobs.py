"""Secrets in the ESP32's NVS. https://docs.micropython.org/en/latest/library/esp32.html#non-volatile-storage

The power may go at any moment: ESP-IDF promises that nothing is lost then but what was just being written
("Non-volatile Storage Library", docs.espressif.com); the old value of that name is erased after it.
"""

_NAMESPACE = "mailmote"
# NVS tells no length beforehand: a password, a refresh token, a certificate with its chain.
_SIZES = (256, 2048, 6144)
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND


class Blobs:
    """`esp32` is the module. A name has at most 15 characters there."""

    def __init__(self, esp32):
        self._nvs = esp32.NVS(_NAMESPACE)

    def get(self, name):
        """The bytes, or None."""
        for size in _SIZES:
            buffer = bytearray(size)
            try:
                length = self._nvs.get_blob(name, buffer)
            except OSError as error:
                if error.errno == _NOT_FOUND:
                    return None
                continue  # it is longer
            return bytes(memoryview(buffer)[:length])
        return None

    def put(self, name, value):
        """Raises OSError."""
        self._nvs.set_blob(name, value)
        self._nvs.commit()

    def forget(self, name):
        """Raises OSError."""
        self._nvs.erase_key(name)
        self._nvs.commit()
