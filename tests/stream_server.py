"""Owns a web server on this machine's own address, for the tests of network streams, and the clips that it serves."""

from __future__ import annotations

import http.server
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import av
import cv2
import numpy as np

Handler = http.server.BaseHTTPRequestHandler
Route = Callable[[Handler], None]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is no error."""


@contextmanager
def serve(routes: dict[str, Route]) -> Iterator[str]:
    """Serve these paths while the block runs; gives ``127.0.0.1:port``."""

    class Handling(Handler):
        def do_GET(self) -> None:
            route = routes.get(self.path.partition("?")[0])
            if route is None:
                self.send_error(404)
            else:
                route(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handling)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send_file(data: bytes, kind: str = "application/octet-stream", *, only: int | None = None) -> Route:
    """Answers with a file, or only its first bytes although all are announced."""

    def route(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:only])

    return route


def send_status(code: int) -> Route:
    """Answers with nothing but a status."""

    def route(handler: Handler) -> None:
        handler.send_response(code)
        handler.end_headers()

    return route


def send_jpegs(pictures: Callable[[], Iterator[bytes]]) -> Route:
    """Answers as network cameras do: a picture after the other, without an end of their own."""

    def route(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        handler.end_headers()
        for jpeg in pictures():
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            handler.wfile.write(head.encode() + jpeg + b"\r\n")

    return route


def grey(level: int, width: int = 64, height: int = 48) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(H, W, 3) uint8 of one grey."""
    return np.full((height, width, 3), level, np.uint8)


def jpeg(level: int) -> bytes:
    """A grey picture."""
    done, data = cv2.imencode(".jpg", grey(level))
    assert done
    return bytes(data)


def clip(format: str, codec: str, *, frames: int = 30, rate: int = 25, options: dict[str, str] | None = None) -> bytes:
    """A clip whose n-th frame is of grey 5n."""
    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey(5 * k % 256), format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def sound() -> bytes:
    """A clip without pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"movflags": "frag_keyframe"}) as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()
