"""Finds a MicroPython unix interpreter. (placeholder, owned by the interpreter helper)"""
import os
import shutil


def find():
    return [os.environ.get("MICROPYTHON") or shutil.which("micropython")]
