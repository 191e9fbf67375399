"""Starts the agent after every reset."""

from mailmote.agent import main

main()
