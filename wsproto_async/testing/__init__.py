"""Floor 6: for tests of programs that use this package.

====================  ===============================================================
``memory_pair``       a client and a server connected in memory, without sockets
``memory_link``       the same for protocol objects of any kind
``local_server``      a server at a free port
``FaultyProxy``       what stands in front of it, and does harm
``Faults``            what can go wrong on the way: stall, cut, slow, split
``Recorder``          writes down what passes, frame by frame
``plugin``            fixtures for pytest, which alone needs pytest
====================  ===============================================================
"""

from __future__ import annotations

from .pair import MemoryLink, MemoryPair, memory_link, memory_pair
from .proxy import FaultyProxy
from .recorder import RecordedFrame, Recorder
from .server import LocalServer, local_server
from .transport import MemoryTransport
from .wire import Faults, Wire

__all__ = [
    "Faults",
    "FaultyProxy",
    "LocalServer",
    "MemoryLink",
    "MemoryPair",
    "MemoryTransport",
    "RecordedFrame",
    "Recorder",
    "Wire",
    "local_server",
    "memory_link",
    "memory_pair",
]
