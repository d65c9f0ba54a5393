"""How a connection ended. Users import this from :mod:`wsproto_async.types`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .constants import CloseCode

__all__ = ["CloseInfo"]


@dataclass(slots=True, frozen=True)
class CloseInfo:
    """How a connection ended. ``str()`` of it is a line for humans.

    Args:
        code: the peer's close code; 1005 if its close frame had none, 1006 if there was none.
        reason: the peer's close reason; what happened instead if there was none.
        was_clean: whether a close frame went both ways.
        initiator: who ended it: us, the peer, or a fault between us.
        phase: how far it had come: ``"opening"``, it never opened; ``"open"``, it ended without a
            closing handshake; ``"closing"``, that had begun (``was_clean``: and is complete).
        received_code: code in the peer's close frame, 1005 for none; None if no frame came.
        received_reason: reason in it.
        sent_code: code in our close frame, 1005 for none; None if we sent no frame.
        sent_reason: reason in it.
        cause: the exception that ended the connection, if one did.
        unsent: octets of ours that the network did not take: at least so many, since not every
            transport tells all that it holds. What the network took need not have arrived.
        untaken: messages that had arrived and that nobody had taken. They can still be received,
            except those that the closing handshake dropped above the marks of the queue.
        hint: the option to change, where one would have helped and ``reason`` does not name it.
    """

    code: int
    reason: str
    was_clean: bool
    initiator: Literal["local", "peer", "network"]
    received_code: int | None = None
    received_reason: str | None = None
    sent_code: int | None = None
    sent_reason: str | None = None
    cause: BaseException | None = None
    phase: Literal["opening", "open", "closing"] = "open"
    unsent: int = 0
    untaken: int = 0
    hint: str = ""

    def __str__(self) -> str:
        text = self._who()
        if not self.was_clean and self.reason not in ("", self.sent_reason, self.received_reason):
            text += f": {_quoted(self.reason)}"
        if self.cause is not None:
            text += f" ({type(self.cause).__name__}: {_quoted(str(self.cause))})"
        if self.unsent:
            text += f"; {self.unsent} octets of ours were not sent"
        if self.untaken:
            text += f"; {self.untaken} messages had arrived and nobody had taken them"
        return f"{text}; {self.hint}" if self.hint else text

    def _who(self) -> str:
        if self.initiator == "network":
            return f"the connection was lost{_WHEN[self.phase]}"
        if self.initiator == "peer":
            said = _said(self.received_code, self.received_reason)
            return f"the peer closed the connection{said}"
        if self.sent_code is None and not self.was_clean:
            return f"we dropped the connection{_WHEN[self.phase]}"
        said = _said(self.sent_code, self.sent_reason)
        if self.received_code is None:
            answer = "did not answer"
        else:
            answer = f"answered{_said(self.received_code, self.received_reason)}"
        return f"we closed the connection{said}; the peer {answer}"


_WHEN = {"opening": " in the opening handshake", "open": "", "closing": " while closing"}


def _said(code: int | None, reason: str | None) -> str:
    """What a close frame said."""
    if code is None or code == CloseCode.NO_STATUS:
        return " without a code"
    try:
        name = f" ({CloseCode(code).name.lower().replace('_', ' ')})"
    except ValueError:
        name = ""
    return f" with {code}{name}" + (f" {_quoted(reason)}" if reason else "")


def _quoted(text: str) -> str:
    """``text`` so that it cannot break out of a line of a log, nor fill it; in ASCII."""
    return ascii(text if len(text) <= 200 else text[:200] + "...")
