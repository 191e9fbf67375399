"""A mote.toml that is right: direct send, one sensor, one alarm."""

MOTE = """\
[device]
name = "freezer-3"

[wifi]
ssid = "Plant"

[mail]
option = "direct-send"
from = "alerts@contoso.com"
to = ["ops@contoso.com"]
host = "contoso-com.mail.protection.outlook.com"
connect_to = "127.0.0.1"

[[sensor]]
name = "freezer"
driver = "adc"
pin = 34

[[alarm]]
name = "too warm"
sensor = "freezer"
above = -15
clear = -18.5
for = "15min"
"""
