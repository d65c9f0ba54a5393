# mypy: ignore-errors
# ruff: noqa
"""What a robot's operator writes: roslibpy, on its transport for asyncio. Argument: a port."""

import sys
import threading

import roslibpy
import roslibpy.comm.comm_asyncio

if __name__ == "__main__":
    print(roslibpy.comm.comm_asyncio.WebSocketClientProtocol.__module__)
    roslibpy.set_default_transport("asyncio")
    client = roslibpy.Ros(host="127.0.0.1", port=int(sys.argv[1]), headers={"X-Robot": "r2"})
    client.run(timeout=20)
    print("connected", client.is_connected)

    service = roslibpy.Service(client, "/add_two_ints", "rospy_tutorials/AddTwoInts")
    print("sum", service.call(roslibpy.ServiceRequest({"a": 3, "b": 4}), timeout=20)["sum"])
    try:
        wrong = roslibpy.Service(client, "/nothing", "none")
        wrong.call(roslibpy.ServiceRequest({}), timeout=20)
    except Exception as error:
        print("error", error)

    heard = threading.Event()
    topic = roslibpy.Topic(client, "/chatter", "std_msgs/String")
    said = []

    def listen(message):
        said.append(message["data"])
        if len(said) == 3:
            heard.set()

    topic.subscribe(listen)
    for text in ("hello", "wörld", "x" * 100000):
        topic.publish(roslibpy.Message({"data": text}))
    heard.wait(20)
    print("heard", [text[:5] for text in said], len(said[-1]))
    topic.unsubscribe()

    closed = threading.Event()
    client.on("close", lambda _: closed.set())
    client.close()
    closed.wait(20)
    print("connected", client.is_connected)
    client.terminate()
