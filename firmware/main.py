"""mailmote: starts the agent after every reset."""

from mailmote import compat

compat.keep_heap_compact()

from mailmote.agent import main  # noqa: E402

main()
