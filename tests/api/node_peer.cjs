// A peer on Node's ws that compresses messages of every size.
//
//   node node_peer.cjs server                 echoes; prints its port
//   node node_peer.cjs client URL             sends the messages of a JSON list from standard input,
//                                             each when the one before is back; binary ones are in hex
const { WebSocket, WebSocketServer } = require("ws");

const [role, url] = process.argv.slice(2);
const deflate = { threshold: 0 };

if (role === "server") {
  const options = { host: "127.0.0.1", port: 0, perMessageDeflate: deflate };
  const server = new WebSocketServer(options, () => console.log(server.address().port));
  server.on("connection", (ws) => ws.on("message", (data, binary) => ws.send(data, { binary })));
} else {
  const messages = JSON.parse(require("fs").readFileSync(0)).map((message) =>
    typeof message === "string" ? message : Buffer.from(message.hex, "hex"),
  );
  const ws = new WebSocket(url, { perMessageDeflate: deflate });
  let index = 0;
  const say = () => (index < messages.length ? ws.send(messages[index]) : ws.close(1000));
  ws.on("open", say);
  ws.on("message", (data, binary) => {
    const message = messages[index];
    if (binary !== (typeof message !== "string") || Buffer.from(message).compare(data) !== 0) {
      throw new Error(`message ${index} came back changed`);
    }
    index += 1;
    say();
  });
  ws.on("close", (code) => (process.exitCode = code === 1000 && index === messages.length ? 0 : 1));
}
