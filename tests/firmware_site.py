"""MicroPython's download site on loopback: pages of boards, and stand-in images under the same names."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mailmote_host.virtual import micropython_image

_DRIP_S = 0.005
LOGIN_PAGE = b"<!doctype html><title>Hotel Wi-Fi</title>Please sign in"


class FirmwareSite:
    """`files` is what it sends by path: (status, headers, body). `asked`: the paths it was asked for.

    Of a path that `drips` says so of, it sends the body by the octet, a moment apart; `dripped` counts them.
    """

    def __init__(self):
        self.files = {}
        self.asked = []
        self.drips = lambda path: False
        self.dripped = 0
        self._closing = threading.Event()
        self._links = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                status, headers, body = site.files.get(self.path, (404, {}, b"not here"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if not site.drips(self.path):
                    self.wfile.write(body)
                    return
                for octet in body:
                    self.wfile.write(bytes([octet]))
                    site.dripped += 1
                    if site._closing.wait(_DRIP_S):
                        return

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def add(self, board, version, chip="esp32", day="20250415", data=None, **options):
        """Publish an image of `board`, such as ESP32_GENERIC-SPIRAM. Returns its path."""
        path = f"/resources/firmware/{board}-{day}-v{version}.bin"
        body = micropython_image.build(chip, version, board, **options) if data is None else data
        self.files[path] = (200, {"Content-Type": "application/octet-stream"}, body)
        self.link(board.partition("-")[0], path)
        return path

    def link(self, board, target):
        links = self._links.setdefault(board, [])
        links.append(f'<li><strong><a href="{target}">{target}</a></strong> <a href="x.map">[.map]</a></li>')
        page = f"<!doctype html><h2>Firmware</h2><ul>{''.join(links)}</ul>".encode()
        self.files[f"/download/{board}/"] = (200, {"Content-Type": "text/html; charset=utf-8"}, page)

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
