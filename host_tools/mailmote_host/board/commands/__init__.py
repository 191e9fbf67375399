"""The commands that have to do with a board: thin, each a click command over a module of `board`."""
