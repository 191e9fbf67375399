"""mailmote: starts after every reset."""

from mailmote import compat

compat.keep_heap_compact()

from mailmote.start import main  # noqa: E402

main()
