// The same work by socket.io, set up as its documentation recommends for speed: WebSocket alone,
// the native helpers of `ws` (bufferutil, utf-8-validate), no compression of frames (the default),
// and the first request of a connection let go of. One process, as a Node server is.

import {createServer} from "node:http"
import {Server} from "socket.io"

const http = createServer()
const io = new Server(http, {transports: ["websocket"], serveClient: false})

io.engine.on("connection", raw => { raw.request = null })

io.on("connection", socket => {
  socket.on("join", (room, done) => { socket.join(room); done("ok") })
  socket.on("leave", (room, done) => { socket.leave(room); done("ok") })
  // Who is no member may not speak, as with parlor.
  socket.on("message", (room, payload) => {
    if (socket.rooms.has(room)) io.to(room).emit("message", room, payload)
  })
})

http.listen(Number(process.argv[2]), "127.0.0.1")
