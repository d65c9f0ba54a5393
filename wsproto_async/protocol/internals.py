"""Inner doors: methods that are not for everyday use, but part of the contract.

Each does what it says when it is called, and can be overridden. The package itself calls the
receiving ones only where a class overrides one: otherwise the compiled core does their work.
"""

from __future__ import annotations

from typing import Any

from ..constants import CloseCode, Opcode, State
from ..core.extensions.header import parse_extensions
from ..errors import StateError
from .sending import Sending
from .statistics import count_received

__all__ = ["Internals"]


class Internals(Sending):
    """Receiving by hand, and failing."""

    # --- octets -------------------------------------------------------------------------------

    @property
    def data(self) -> bytes:
        """Octets that arrived and are not parsed yet; may be assigned to drive it by hand."""
        head = b"" if self._head_reader is None else self._head_reader.buffered
        connection = self._connection
        return head + (b"" if connection is None else connection.waiting())

    @data.setter
    def data(self, value: bytes) -> None:
        if self._connection is None:
            raise StateError("data can be assigned when there is a connection")
        self._head_reader = None
        self._connection.pending = value or None
        self._connection.backlog = None

    def _received(self, data: bytes) -> None:
        try:
            self._dataReceived(data)
        except Exception as error:
            self._survive(error)

    def _dataReceived(self, data: bytes) -> None:
        """Octets arrived."""
        connection = self._connection
        if connection is None:
            raise StateError("_dataReceived() before connection_made()")
        if connection.state == State.CLOSED or connection.stopped:
            return
        count_received(connection, len(data))
        connection.heard = True
        connection.pending = data if connection.pending is None else connection.pending + data
        assert self._options is not None
        try:
            if self._options.log_octets:
                self._call_hook("logRxOctets", data)
        finally:
            self.consumeData()

    def consumeData(self) -> None:
        """Work off what has arrived, as far as the state of the connection lets it count."""
        connection = self._connection
        if connection is None or connection.state == State.CLOSED:
            return
        if connection.state == State.PROXY_CONNECTING:
            self.processProxyConnect()
        elif connection.state == State.CONNECTING:
            self.processHandshake()
        else:
            connection.resume()

    def _process_by_hand(self) -> None:
        """Have ``processData`` work off what has arrived, since a class overrides it."""
        connection = self._connection
        assert connection is not None
        connection.begin_work()
        try:
            while connection.state != State.CLOSED and self.processData():
                pass
        finally:
            connection.end_work()

    def _survive(self, error: Exception) -> None:
        """A hook raised: deal with that, then with the rest of what arrived."""
        self._hook_failed(error)
        self._go_on()

    def _go_on(self) -> None:
        """Work off what waits; a hook that raises does not take the rest with it."""
        connection = self._connection
        while connection is not None and connection.is_behind():
            try:
                connection.resume()
                return
            except Exception as error:
                self._hook_failed(error)

    def processData(self) -> bool:
        """Parse one header, or take one piece of payload; returns whether to call it again."""
        return self._connection is not None and self._connection.step()

    def processHandshake(self) -> None:
        """Work off what has arrived of the opening handshake."""
        raise StateError("processHandshake() belongs to the server and client protocols")

    def processProxyConnect(self) -> None:
        """Work off what has arrived of a proxy's answer."""
        raise StateError("processProxyConnect() belongs to the client protocol")

    # --- frames -------------------------------------------------------------------------------

    def onFrameBegin(self) -> None:
        """``current_frame`` begins."""
        frame = self.current_frame
        assert frame is not None
        if self.logFrames:
            self._logged = []
        if frame.opcode > 7:
            self.control_frame_data = []
            return
        # The hooks set these, too; but one may be overridden without calling the base, or raise.
        self.frame_data = []
        if frame.opcode != Opcode.CONTINUATION:
            self.inside_message = True
            self.message_is_binary = frame.opcode == Opcode.BINARY
            self.message_data = []
            self._track("onMessageBegin")
            self._call_hook("onMessageBegin", self.message_is_binary)
        self._call_hook("onMessageFrameBegin", frame.length)

    def onFrameData(self, payload: bytes) -> bool | None:
        """A piece of its payload arrived, unmasked, inflated, and checked."""
        frame = self.current_frame
        assert frame is not None
        if self._logged is not None:
            self._logged.append(payload)
        if frame.opcode > 7:
            self.control_frame_data.append(payload)
        else:
            self._call_hook("onMessageFrameData", payload)
        return None

    def onFrameEnd(self) -> bool | None:
        """It is complete."""
        frame = self.current_frame
        assert frame is not None
        if self._logged is not None:
            self._call_hook("logRxFrame", frame, self._logged)
            self._logged = None
        if frame.opcode > 7:
            self.processControlFrame()
        else:
            self._call_hook("onMessageFrameEnd")
            if frame.fin:
                self.inside_message = False
                self._call_hook("onMessageEnd")
        self.current_frame = None
        return None

    def processControlFrame(self) -> bool:
        """Act on the control frame that is complete; returns whether to go on behind it."""
        frame, connection = self.current_frame, self._connection
        assert frame is not None
        assert connection is not None
        payload = b"".join(self.control_frame_data)
        self.control_frame_data = []
        connection.control(frame.opcode, payload)
        return not connection.stopped

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool | None:
        """The peer's close frame arrived: check it and answer it.

        Who overrides this and does not call it has to answer, too.

        Returns:
            True where nothing that arrives behind it counts any more.
        """
        if self._connection is None:
            return None
        self._connection.close_received(code, reasonRaw)
        return True if self.failedByMe and self.state == State.CLOSED else None

    # --- failing --------------------------------------------------------------------------------

    def _fail_connection(
        self, code: int = CloseCode.GOING_AWAY, reason: str = "going away"
    ) -> None:
        """Fail the connection, by a drop or a close frame as the option ``failByDrop`` says."""
        connection = self._connection
        if connection is not None and connection.state != State.CLOSED:
            if not connection.failed_by_me:  # one line is enough, whatever else the peer does
                self._say("warn", f"failing the connection with {int(code)}: {reason}")
            connection.fail(int(code), reason)

    def _protocol_violation(self, reason: str) -> bool:
        """Fail it with 1002; returns whether processing has to stop."""
        self._fail_connection(CloseCode.PROTOCOL_ERROR, reason)
        return bool(self.failByDrop)

    def _invalid_payload(self, reason: str) -> bool:
        """Fail it with 1007; returns whether processing has to stop."""
        self._fail_connection(CloseCode.INVALID_PAYLOAD, reason)
        return bool(self.failByDrop)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        """A frame or message is above the limit: fail with 1009."""
        self._fail_connection(CloseCode.MESSAGE_TOO_BIG, reason)

    # --- headers ------------------------------------------------------------------------------

    def _parseExtensionsHeader(
        self, header: str, removeQuotes: bool = True
    ) -> list[tuple[str, dict[str, list[Any]]]]:
        """The extensions in a header value; see ``core.extensions.header``."""
        return [(name, dict(params)) for name, params in parse_extensions(header, removeQuotes)]
