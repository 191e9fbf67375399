"""What is in a chip before anything is flashed: the loader that esptool speaks to, and the way to a program.

Nothing here waits, and nothing knows MicroPython: octets in, octets out, over a flash. Sources: Espressif's
esptool documentation, "Serial Protocol" and "Boot Mode Selection"; the technical reference manuals of the
chips for their registers.
"""
