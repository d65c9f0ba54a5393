"""Options from a file or from the environment: configured_server.py PORT [FILE]

    ECHO_MAX_CONNECTIONS=100 python configured_server.py 9000
    python configured_server.py 9000 options.toml

where options.toml says, for instance::

    max_connections = 100
    allowed_origins = ["https://example.com"]

A value that cannot be, or a name that is unknown, is said in one line.
"""

from __future__ import annotations

import sys

from wsproto_async import OptionError, ServerOptions, WebSocket, run, serve


async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


async def main(port: int, options: ServerOptions) -> None:
    async with serve(echo, "127.0.0.1", port, options=options) as server:
        print(f"Serving at ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await server.serve_forever()


if __name__ == "__main__":
    port, *files = sys.argv[1:]
    try:
        options = (
            ServerOptions.from_file(files[0]) if files else ServerOptions.from_env(prefix="ECHO_")
        )
    except (OptionError, OSError) as error:
        sys.exit(str(error))
    for name, value in options.model_dump(exclude_defaults=True).items():
        print(f"{name} = {value!r}")
    run(main(int(port), options))
