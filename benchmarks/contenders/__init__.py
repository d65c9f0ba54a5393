"""The libraries that are measured, each in its own file and by its own way of echoing.

A module has two coroutine functions, which get a :class:`.setup.Setup`: ``server`` starts to listen
and returns (what it returns is kept alive), ``client`` connects and echoes. ``async for`` or
callbacks, as the library's own documentation does it; its limits and pings are off, since others
have none. A module that cannot be imported belongs to a library that is not installed.
"""
