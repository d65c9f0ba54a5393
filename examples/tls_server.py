r"""A server on TLS: tls_server.py CERTIFICATE KEY [PORT]

Both are PEM files, from your certificate authority or, to try it, self-signed::

    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem

A client that is to trust that one says so:
``connect("wss://localhost:9000/", ssl=ssl.create_default_context(cafile="cert.pem"))``.
"""

from __future__ import annotations

import ssl
import sys

from wsproto_async import WebSocket, run, serve


async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


async def main(certificate: str, key: str, port: str = "9000") -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with serve(echo, "localhost", int(port), ssl=context) as server:
        print(f"Serving at wss://localhost:{server.sockets[0].getsockname()[1]}/")
        await server.serve_forever()


if __name__ == "__main__":
    run(main(*sys.argv[1:]))
