"""What to freeze into a MicroPython image of one's own: `make FROZEN_MANIFEST=.../firmware/manifest.py`.

Frozen code runs from flash and leaves the heap to the mails. https://docs.micropython.org/en/latest/reference/manifest.html
"""

include("$(PORT_DIR)/boards/manifest.py")
package("mailmote")
module("boot.py")
module("main.py")
module("umail.py")
