"""What the supervisor of a board on a serial port and its MicroPython say to each other. Runs on both.

Orders go to MicroPython and reports come back on two pipes of their own, so that what code prints and reads
cannot be taken for them. Each is a letter, a number as four octets, and as many octets of content; none where
the number says something else.
"""

# Orders
RUN = b"R"  # code from the raw REPL
LINE = b"L"  # a line from the prompt: the value of an expression is printed
SCRIPT = b"S"  # run the file of that name, if it is there
PING = b"P"  # the number counts them

# Reports
STARTED = b"H"  # the content is the banner
BEGUN = b"B"  # the order was read whole; from now on a signal interrupts it
DONE = b"D"  # the content is the traceback, if there was an exception
INTERRUPTED = b"I"  # a signal came when nothing was running: an order may be lost
PONG = b"O"  # the number is the PING's
FED = b"W"  # the watchdog: it bites after that number of milliseconds
NUMBERS = (PING, PONG, FED)

HEAD_BYTES = 5

# In what code prints, MARK and one octet more are these. Text cannot hold MARK: no octet of UTF-8 is 255.
MARK = b"\xff"
RAW_MARK = b"\xff\xff"  # the octet 255 itself
RAW_NEWLINE = b"\xff\n"  # a newline that stays one, from sys.stdout.buffer
KEYS_OFF = b"\xff\x01"  # Ctrl-C is data from now on
KEYS_ON = b"\xff\x02"


def message(kind, content=b""):
    return head(kind, len(content)) + content


def head(kind, number):
    return kind + number.to_bytes(4, "little")


def parse_head(data):
    """(kind, number) of HEAD_BYTES octets."""
    return data[:1], int.from_bytes(data[1:], "little")
