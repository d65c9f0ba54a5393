"""What a protocol class overrides. What it does not override costs it nothing.

A plan is made once for each class, when its first connection is made, and read when the slots of
a connection are bound. Hooks that are set on an instance before ``onOpen`` returned count, too.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .attributes import Attributes

__all__ = ["HOOKS", "Plan", "plan_of"]

STREAMING = frozenset(
    {
        "onMessageBegin",
        "onMessageFrameBegin",
        "onMessageFrameData",
        "onMessageFrameEnd",
        "onMessageFrame",
        "onMessageEnd",
    }
)
"""Hooks that want a message before it is complete."""

INNER = frozenset({"onFrameBegin", "onFrameData", "onFrameEnd", "processControlFrame"})
"""Inner doors that want control frames as well."""

OCTETS = frozenset({"_dataReceived", "consumeData", "processData"})
"""Inner doors that want the octets before they are parsed."""

SENDING = frozenset({"sendFrame", "sendData"})
"""Inner doors that want to see what leaves."""

HOOKS = STREAMING | INNER | OCTETS | SENDING | {"onMessage", "onPing"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Which of :data:`HOOKS` are not the package's own."""

    overridden: frozenset[str]

    @property
    def streaming(self) -> bool:
        """Frames are to be handed over as they arrive."""
        return not self.overridden.isdisjoint(STREAMING | INNER)

    @property
    def inner(self) -> bool:
        """Control frames, too."""
        return not self.overridden.isdisjoint(INNER)

    @property
    def octets(self) -> bool:
        """Octets go through ``_dataReceived``."""
        return not self.overridden.isdisjoint(OCTETS)

    @property
    def sending(self) -> bool:
        """Messages leave frame by frame through ``sendFrame`` and ``sendData``."""
        return not self.overridden.isdisjoint(SENDING)


DEFAULTS: dict[str, object] = {}
"""What the hooks are in ``WebSocketProtocol``; base.py fills it."""

_plans: dict[type, Plan] = {}


def plan_of(protocol: Attributes) -> Plan:
    """The plan of a protocol: that of its class, or its own where it has hooks of its own."""
    cls = type(protocol)
    plan = _plans.get(cls)
    if plan is None:
        names = (n for n in HOOKS if inspect.getattr_static(cls, n) is not DEFAULTS[n])
        plan = _plans[cls] = Plan(frozenset(names))
    own = HOOKS.intersection(protocol.__dict__)
    return Plan(plan.overridden | own) if own else plan
