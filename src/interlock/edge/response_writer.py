"""From a Response to the bytes of an HTTP/1.1 message (RFC 9112)."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from interlock.edge.exchange import Response
from interlock.model.problems import Unexpected

BODILESS = frozenset({204, 304})
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MICROSECONDS = 1_000_000


class ResponseWriter:
    """Renders answers; keeps the head of each status and content type, with the date, until the next `tick`."""

    __slots__ = ("_date", "_heads", "_second")

    def __init__(self, now_us: int) -> None:
        self._second = -1
        self._date = b""
        self._heads: dict[tuple[int, str], bytes] = {}
        self.tick(now_us)

    def tick(self, now_us: int) -> None:
        """Take over the time: the Date field (RFC 9110 section 6.6.1) has a resolution of one second."""
        second = now_us // MICROSECONDS
        if second != self._second:
            self._second = second
            self._date = formatdate(second, usegmt=True).encode()
            self._heads.clear()

    def render(self, response: Response, head_only: bool, connection: bytes) -> bytes:
        """The whole message. `connection` is a rendered header line or nothing; a HEAD answer keeps its length."""
        body = response.body
        head = self._heads.get((response.status, response.content_type))
        if head is None:
            head = self._head(response.status, response.content_type)
        if not (connection or head_only or response.headers or response.status in BODILESS):
            return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        more = connection + b"".join(_field(name, value) for name, value in response.headers)
        if response.status in BODILESS:
            return b"%b%b\r\n" % (head, more)
        return b"%bcontent-length: %d\r\n%b\r\n%b" % (head, len(body), more, b"" if head_only else body)

    def _head(self, status: int, content_type: str) -> bytes:
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:
            reason = "Status"
        head = b"HTTP/1.1 %d %b\r\ndate: %b\r\n" % (status, reason.encode(), self._date)
        if status not in BODILESS:
            head += _field("content-type", content_type)
        self._heads[(status, content_type)] = head
        return head


def _field(name: str, value: str) -> bytes:
    if not (value.isascii() and value.isprintable()):
        # A line break in a value would let a handler's data write headers of its own.
        raise Unexpected(f"The header {name} cannot be sent: it holds more than printable ASCII.")
    return f"{name}: {value}\r\n".encode()
