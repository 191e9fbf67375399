"""`mailmote init`: a few questions become a commented mote.toml."""
