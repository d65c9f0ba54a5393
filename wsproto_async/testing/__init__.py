"""Floor 6: for tests of programs that use this package.

====================  ===============================================================
``memory_pair``       a client and a server connected in memory, without sockets
``memory_link``       the same for protocol objects of any kind
``Faults``            what can go wrong on the way: stall, cut, slow, split
``Recorder``          writes down what passes, frame by frame
====================  ===============================================================
"""

from __future__ import annotations

from .pair import MemoryLink, MemoryPair, memory_link, memory_pair
from .recorder import RecordedFrame, Recorder
from .transport import MemoryTransport
from .wire import Faults, Wire

__all__ = [
    "Faults",
    "MemoryLink",
    "MemoryPair",
    "MemoryTransport",
    "RecordedFrame",
    "Recorder",
    "Wire",
    "memory_link",
    "memory_pair",
]
