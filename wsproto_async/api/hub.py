"""``Hub``: topics, and the connections that want to hear of them."""

from __future__ import annotations

from typing import Any

from ..constants import State
from ..errors import OptionError, StateError, check_type
from ..options.fields import MIB
from ..protocol.base import WebSocketProtocol
from .broadcast import BroadcastResult, OnSlow, broadcast, check_policy, protocol_of
from .websocket import WebSocket

__all__ = ["Hub"]

Connection = WebSocket[Any] | WebSocketProtocol


class Hub:
    """Publishes messages to the connections that have joined a topic, in this process.

    A topic is a name. It is there while anybody is in it, and needs no making. A connection that
    ends leaves all its topics by itself.

    A hub belongs to one loop: from another thread, ``loop.call_soon_threadsafe(hub.publish, ...)``.

    Args:
        on_slow: what to do with members that read too slowly, unless :meth:`publish` says
            otherwise: ``"close"``, ``"drop"`` or ``"wait"``, see :func:`broadcast`.
        max_buffer: octets that may wait for a member before it counts as slow.
        max_topics: how many topics a connection may be in, since it is often the peer who asks;
            None is without a bound.

    Raises:
        OptionTypeError: an argument has a wrong type.
        OptionError: another policy, or a negative number.
    """

    def __init__(
        self,
        *,
        on_slow: OnSlow = "close",
        max_buffer: int = MIB,
        max_topics: int | None = 1000,
    ) -> None:
        check_policy(on_slow, max_buffer)
        check_type("max_topics", max_topics, int, type(None))
        if max_topics is not None and max_topics < 1:
            raise OptionError(f"max_topics must be 1 or more, or None, not {max_topics}")
        self.on_slow = on_slow
        self.max_buffer = max_buffer
        self.max_topics = max_topics
        # A dict keeps the order in which members joined, and is what publishing goes through.
        self._members: dict[str, dict[WebSocketProtocol, Connection]] = {}
        self._topics: dict[WebSocketProtocol, set[str]] = {}

    def __repr__(self) -> str:
        return f"<Hub topics={len(self._members)} connections={len(self._topics)}>"

    # --- who is where -------------------------------------------------------------------------

    def join(self, topic: str, connection: Connection) -> bool:
        """Let a connection hear of a topic from now on.

        Args:
            topic: any text.
            connection: a :class:`WebSocket`, or a protocol object; at any time after
                ``connection_made``. One that is not open yet hears what is published once it is.

        Returns:
            Whether it joined. False: it was a member already, or the connection has ended.

        Raises:
            OptionTypeError: an argument has a wrong type.
            StateError: it is in ``max_topics`` topics already, or not connected yet.
        """
        protocol = _protocol_of(topic, connection)
        if protocol.state == State.CLOSED:
            if protocol._connection is None:
                raise StateError("join() before connection_made()")
            return False
        topics = self._topics.get(protocol, set())
        if topic in topics:
            return False
        if self.max_topics is not None and len(topics) >= self.max_topics:
            raise StateError(f"{protocol.peer} is in max_topics={self.max_topics} topics already")
        if not topics:
            self._topics[protocol] = topics
            protocol._call_at_end(self._forget)
        topics.add(topic)
        self._members.setdefault(topic, {})[protocol] = connection
        return True

    def leave(self, topic: str, connection: Connection) -> bool:
        """Let a connection hear of a topic no more. Returns whether it was a member."""
        protocol = _protocol_of(topic, connection)
        if topic not in self._topics.get(protocol, ()):
            return False
        self._topics[protocol].remove(topic)
        self._remove(topic, protocol)
        if not self._topics[protocol]:
            self._forget(protocol)
        return True

    def leave_all(self, connection: Connection) -> None:
        """Let a connection hear of nothing any more, as it does itself when it ends."""
        protocol = _protocol_of("", connection)
        if protocol in self._topics:
            self._forget(protocol)

    def members(self, topic: str) -> list[Connection]:
        """The connections in a topic, as they were given to :meth:`join`, in that order."""
        return list(self._members.get(topic, {}).values())

    def topics(self, connection: Connection | None = None) -> set[str]:
        """The topics that anybody is in, or that one connection is in; a new set each time."""
        if connection is None:
            return set(self._members)
        return set(self._topics.get(_protocol_of("", connection), ()))

    def __contains__(self, topic: object) -> bool:
        """Whether anybody is in a topic."""
        return topic in self._members

    # --- publishing ---------------------------------------------------------------------------

    def publish(
        self,
        topic: str,
        message: str | bytes | bytearray | memoryview,
        *,
        exclude: Connection | None = None,
        on_slow: OnSlow | None = None,
        max_buffer: int | None = None,
        compress: bool = True,
    ) -> BroadcastResult:
        """Send a message to all members of a topic, without waiting for any of them.

        It is encoded once, however many they are. Members get messages in the order in which
        they were published.

        Args:
            topic: where; with nobody in it, nothing happens.
            message: ``str`` is sent as text, anything like ``bytes`` as binary.
            exclude: a connection that shall not get it, such as the one that it came from.
            on_slow: None is that of the hub. Where it is ``"wait"``, await the result, which
                waits until the slow members have caught up or are gone.
            max_buffer: octets; None is that of the hub.
            compress: False sends it as it is, whatever was agreed on.

        Returns:
            How many members it was sent to, dropped for, and closed for reading too slowly.

        Raises:
            OptionTypeError: an argument has a wrong type.
            OptionError: another policy, or a negative ``max_buffer``.
            PayloadExceededError: as by :func:`~.broadcast.broadcast`.
        """
        check_type("topic", topic, str)
        members = list(self._members.get(topic, ()))  # a hook that runs meanwhile may leave
        if exclude is not None and (excluded := _protocol_of(topic, exclude)) in members:
            members.remove(excluded)
        return broadcast(
            members,
            message,
            on_slow=on_slow or self.on_slow,
            max_buffer=self.max_buffer if max_buffer is None else max_buffer,
            compress=compress,
        )

    # --- inside -------------------------------------------------------------------------------

    def _forget(self, protocol: WebSocketProtocol) -> None:
        """Remove a connection from everywhere; when it ends, it calls this."""
        for topic in self._topics.pop(protocol):
            self._remove(topic, protocol)
        protocol._call_not_at_end(self._forget)

    def _remove(self, topic: str, protocol: WebSocketProtocol) -> None:
        members = self._members[topic]
        del members[protocol]
        if not members:
            del self._members[topic]


def _protocol_of(topic: str, connection: Connection) -> WebSocketProtocol:
    check_type("topic", topic, str)
    return protocol_of(connection)
