"""Who keeps a server's connections, where somebody does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import WebSocketServerProtocol

__all__ = ["Keeper"]


class Keeper(ABC):
    """What a factory has as ``running``, where ``serve`` or ``serve_factory`` is used."""

    @abstractmethod
    def is_closing(self) -> bool:
        """Whether it takes no more connections."""

    @abstractmethod
    def add(self, link: WebSocketServerProtocol) -> None:
        """A client has connected."""

    @abstractmethod
    def discard(self, link: WebSocketServerProtocol) -> None:
        """A connection has ended, and nothing of it is left."""

    @abstractmethod
    def notify(self) -> None:
        """Something has changed; of interest to those who wait for the end."""
