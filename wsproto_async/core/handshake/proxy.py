"""CONNECT: a tunnel through an HTTP proxy (RFC 9110, section 9.3.6).

What is meant for the proxy (its credentials) goes into this request and nowhere else; what is
meant for the origin server never comes here.
"""

from __future__ import annotations

from ..http1 import Headers, ResponseHead, reason_phrase, render_head
from .fields import host_port, user_fields

__all__ = ["connect_request", "judge_connect"]


def connect_request(host: str, port: int, fields: Headers = ()) -> bytes:
    """The request for a tunnel.

    Args:
        host: the origin server's name or address.
        port: the origin server's port.
        fields: headers for the proxy alone, such as ``Proxy-Authorization``.

    Raises:
        OptionError: an argument cannot be sent; the message names it.
    """
    target = host_port(host, port)
    lines = [("Host", target), *user_fields(fields, but=("host",))]
    return render_head(f"CONNECT {target} HTTP/1.1", lines)


def judge_connect(head: ResponseHead) -> None:
    """Decide on the proxy's answer. It may be HTTP/1.0, and it has no body whatever it says.

    A good proxy is silent until the origin server speaks, and that waits for our TLS or upgrade
    request: octets behind the head (``HeadReader.rest``) are a reason to give up.

    Raises:
        HandshakeError: the status is not 2xx; it has the status and the headers.
    """
    if not 200 <= head.status < 300:
        raise head.error(
            f"HTTP proxy connect failed ({head.status} - {reason_phrase(head.status)})"
        )
