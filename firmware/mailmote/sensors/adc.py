"""An analog input: the mean voltage of a pin, as the quantity that the sensor on it measures."""

from ..errors import SensorError, SettingsError

OPTIONS = {
    "pin": (int, ..., "the number of the pin"),
    "attenuation": (float, 11.0, "how far an ESP32 divides the voltage: 0, 2.5, 6 or 11 dB (about 3.1 V)"),
    "scale": (float, 1.0, "the quantity that one millivolt stands for"),
    "offset": (float, 0.0, "the quantity at zero volts"),
    "samples": (int, 8, "how many samples are averaged, 1 to 64"),
}

_ATTENUATIONS = ((0, "ATTN_0DB"), (2.5, "ATTN_2_5DB"), (6, "ATTN_6DB"), (11, "ATTN_11DB"))
_MAX_SAMPLES = 64  # a sum of microvolts that stays a small integer on a 32-bit port
_FULL_SCALE_UV = 3300000  # read_u16 gives a part of the supply where there is no read_uv


class Driver:
    paced = True

    def __init__(self, options, board):
        self._pin = options["pin"]
        self._scale = options["scale"]
        self._offset = options["offset"]
        self._samples = options["samples"]
        if not 1 <= self._samples <= _MAX_SAMPLES:
            raise SettingsError("samples is %d; set it from 1 to %d." % (self._samples, _MAX_SAMPLES))
        constant = dict(_ATTENUATIONS).get(options["attenuation"])
        if constant is None:
            raise SettingsError("attenuation is %s dB; set it to 0, 2.5, 6 or 11." % options["attenuation"])
        try:
            from machine import ADC, Pin

            self._adc = ADC(Pin(self._pin))
            if hasattr(self._adc, "atten"):
                self._adc.atten(getattr(ADC, constant))
        except (ImportError, OSError, ValueError) as error:
            raise SettingsError(
                "Pin %d cannot be an analog input (%s). On an ESP32 take one of 32 to 39: the other analog "
                "pins stop when Wi-Fi is on; other chips differ, see the board's pin map."
                % (self._pin, error)
            )

    def read(self, now_s):
        """(now_s, value). Raises SensorError."""
        try:
            total_uv = 0
            for _ in range(self._samples):
                total_uv += self._sample_uv()
        except (OSError, ValueError) as error:
            raise SensorError(
                "The analog input on pin %d cannot be read (%s). Check the pin in mote.toml; if it is right, "
                "restart the board." % (self._pin, error)
            )
        return now_s, self._offset + self._scale * (total_uv / self._samples / 1000)

    def _sample_uv(self):
        """The calibrated voltage, where the chip has it burnt in."""
        if hasattr(self._adc, "read_uv"):
            return self._adc.read_uv()
        return self._adc.read_u16() * _FULL_SCALE_UV // 65535
