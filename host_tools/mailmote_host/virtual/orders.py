"""What the supervisor of a board on a serial port and its MicroPython say to each other. Runs on both.

Orders go to MicroPython and reports come back on two pipes of their own, so that what code prints and reads
cannot be taken for them. Each is a letter, a number as four octets, and as many octets of content; the number
of a PING and its PONG counts them, and no content follows.
"""

# Orders
RUN = b"R"  # code from the raw REPL
LINE = b"L"  # a line from the prompt: the value of an expression is printed
SCRIPT = b"S"  # run the file of that name, if it is there
PING = b"P"

# Reports
STARTED = b"H"  # the content is the banner
BEGUN = b"B"  # the order was read whole; from now on a signal interrupts it
DONE = b"D"  # the content is the traceback, if there was an exception
INTERRUPTED = b"I"  # a signal came when nothing was running: an order may be lost
PONG = b"O"

HEAD_BYTES = 5


def message(kind, content=b""):
    return head(kind, len(content)) + content


def head(kind, number):
    return kind + number.to_bytes(4, "little")


def parse_head(data):
    """(kind, number) of HEAD_BYTES octets."""
    return data[:1], int.from_bytes(data[1:], "little")
