"""Runs before main.py, and before the raw REPL too: it does nothing that could keep the host tools out."""
