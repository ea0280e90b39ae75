"""Owns a small RTSP camera on this machine's own address, for the tests of network streams: H.264 within TCP."""

from __future__ import annotations

import base64
import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np

CLOCK_HZ = 90_000
SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    f"a=rtpmap:96 H264/{CLOCK_HZ}\r\na=fmtp:96 packetization-mode=1\r\na=control:track\r\n"
)


def units(levels: list[int], width: int = 64, height: int = 48) -> list[list[bytes]]:
    """The H.264 NAL units of one grey frame after the other; each of them could be the first."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = width, height, "yuv420p", 25
    encoder.options = {"tune": "zerolatency", "g": "1", "x264-params": "repeat-headers=1:sliced-threads=0"}
    frames = []
    for level in levels:
        grey = av.VideoFrame.from_ndarray(np.full((height, width, 3), level, np.uint8), format="rgb24")
        data = b"".join(bytes(packet) for packet in encoder.encode(grey))
        frames.append([unit for unit in re.split(rb"\x00\x00\x00?\x01", data) if unit])
    return frames


@dataclass
class Camera:
    """What is played, and to whom."""

    frames: list[list[bytes]]
    every_s: float
    login: str
    start: int
    hang: bool
    over: threading.Event = field(default_factory=threading.Event)

    def allows(self, headers: dict[str, str]) -> bool:
        known = base64.b64encode(self.login.encode()).decode()
        return not self.login or headers.get("Authorization") == f"Basic {known}"


class Session(socketserver.StreamRequestHandler):
    """One client's connection."""

    @property
    def camera(self) -> Camera:
        return self.server.camera  # type: ignore[attr-defined, no-any-return]

    def handle(self) -> None:
        while not self.camera.over.is_set() and (request := self._read()):
            method = request[0].split(" ")[0]
            headers = dict(line.split(": ", 1) for line in request[1:])
            if not self.camera.allows(headers):
                self._answer(headers, "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"')
            elif method == "DESCRIBE":
                self._answer(headers, "200 OK", "Content-Type: application/sdp", body=SDP)
            elif method == "SETUP":
                self._answer(headers, "200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1")
            elif method == "PLAY":
                self._answer(headers, "200 OK", "Session: 1")
                return self._play()
            else:
                self._answer(headers, "200 OK", "Public: DESCRIBE, SETUP, PLAY, TEARDOWN")
        return None

    def _read(self) -> list[str]:
        lines = []
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            lines.append(line)
        return lines

    def _answer(self, headers: dict[str, str], status: str, *more: str, body: str = "") -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('CSeq', '0')}", *more, f"Content-Length: {len(body)}"]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _play(self) -> None:
        camera, number = self.camera, 0
        for k, frame in enumerate(camera.frames):
            stamp = camera.start + k * CLOCK_HZ // 25
            for unit in frame:
                marker = 0x80 if unit is frame[-1] else 0
                packet = struct.pack(">BBHII", 0x80, 96 | marker, number & 0xFFFF, stamp & 0xFFFFFFFF, 1) + unit
                self.wfile.write(struct.pack(">BBH", 0x24, 0, len(packet)) + packet)
                number += 1
            if camera.over.wait(camera.every_s):
                return
        if camera.hang:
            camera.over.wait(30)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    camera: Camera

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is no error."""


@contextmanager
def serve_rtsp(
    levels: list[int], *, every_s: float = 0.02, login: str = "", start: int = 1000, hang: bool = False
) -> Iterator[str]:
    """Play grey frames of these levels to whoever asks, 25 to the second by their stamps; then break off.

    Args:
        levels: Of the frames.
        every_s: Seconds between frames, as they are sent.
        login: ``user:password`` that is asked for.
        start: Time stamp of the first.
        hang: Fall silent instead of breaking off.
    """
    server = Server(("127.0.0.1", 0), Session)
    server.camera = Camera(units(levels), every_s, login, start, hang)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.camera.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
