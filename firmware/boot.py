"""mailmote: finishes an update of the board, if one is to be finished. Never keeps the host tools out.

`mailmote provision` puts what is new into the folder next/, with `=` for each slash of a path, and when all
of it is there and proven, makes next/ready: that is the switch. From then on each start goes on here, until
every file is in its place, what is obsolete is gone, and next/ready too: so power may fail at any moment. The
first to be placed is this file, which may itself be new. A next/ without next/ready is left alone.
"""

import os


def finish():
    import json

    with open("next/ready") as file:
        obsolete = json.load(file)
    for name in sorted(os.listdir("next"), key=lambda name: (name != "boot.py", name == "main.py", name)):
        if name != "ready":
            place(name, name.replace("=", "/"))
    for path in obsolete:
        try:
            if path.endswith("/"):
                os.rmdir(path[:-1])
            else:
                os.remove(path)
        except OSError as error:
            if error.errno not in (2, 39):  # it is gone already; what a person put there stays
                raise
    os.remove("next/ready")
    os.rmdir("next")


def place(name, path):
    try:
        os.rename("next/" + name, path)
    except OSError:
        os.remove(path)  # FAT does not rename over a file
        os.rename("next/" + name, path)


try:
    os.stat("next/ready")
except OSError:
    pass
else:
    try:
        finish()
    except Exception as error:
        print("The update of mailmote is not finished (%r). Run `mailmote provision` again." % error)
del os, finish, place
