# SPDX-License-Identifier: Apache-2.0
"""Members of the network that do as they are told: a node that speaks gRPC with a real certificate, and Beacons over REST.

Only as much of HTTP/2 (RFC 9113, without HPACK's tables) as one answer needs, and nothing of genofed, so that a node can
also speak what no library would send.
"""

import http.server
import json
import socket
import ssl
import struct
import threading
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
FRAME_BYTES = 16384


def varint(value):
    value &= (1 << 64) - 1  # negative numbers take ten bytes
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def message(**fields):
    """A protobuf message: {"f3": value or list}; integers, strings and bytes."""
    out = b""
    for name, values in fields.items():
        number = int(name[1:])
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, int):
                out += varint(number << 3) + varint(value)
            else:
                raw = value.encode() if isinstance(value, str) else value
                out += varint(number << 3 | 2) + varint(len(raw)) + raw
    return out


def dataset_result(dataset="GOE-EE-DATASET-1", version=1, country="EE", exists=True, count=40, **more):
    """genofed.discovery.v1.DatasetResult."""
    return message(f1=dataset, f2=version, f3=country, f4=int(exists), f5=count, f7=1, f8=1, **more)


def query_response(*datasets, epoch=1, floor=5, **more):
    """genofed.discovery.v1.QueryResponse."""
    return message(f3=list(datasets), f5=epoch, f6=floor, **more)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name, value):
    """A literal field that goes into no table: RFC 7541, 6.2.2, lengths as 7-bit prefixed integers."""
    size = bytes([len(value)]) if len(value) < 127 else b"\x7f" + varint(len(value) - 127)
    return b"\0" + bytes([len(name)]) + name.encode() + size + value


class Call:
    """One request, and what can be said to it."""

    def __init__(self, connection, stream):
        self.connection, self.stream = connection, stream

    def raw(self, data):
        self.connection.sendall(data)

    def begin(self):
        self.raw(frame(HEADERS, END_HEADERS, self.stream, b"\x88" + header("content-type", b"application/grpc")))

    def data(self, payload):
        for at in range(0, len(payload), FRAME_BYTES):
            self.raw(frame(DATA, 0, self.stream, payload[at:at + FRAME_BYTES]))

    def end(self, status=0, text=b""):
        self.raw(frame(HEADERS, END_HEADERS | END_STREAM, self.stream,
                       header("grpc-status", str(status).encode()) + header("grpc-message", text)))

    def answer(self, response):
        self.begin()
        self.data(b"\0" + struct.pack(">I", len(response)) + response)
        self.end()

    def refuse(self, status, text):
        self.raw(frame(HEADERS, END_HEADERS | END_STREAM, self.stream, b"\x88" + header("content-type", b"application/grpc") +
                       header("grpc-status", str(status).encode()) + header("grpc-message", text)))


class ScriptedNode:
    """Listens where the hub thinks a node's discovery is.

    script(call)            answers one request; an exception ends the connection
    greet(socket)           instead: speaks on the bare connection, before TLS
    certificate             (certificate file, key file)
    """

    def __init__(self):
        self.script = self.greet = self.certificate = None
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections = set()
        self._closed = False
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def hang_up(self):
        """Ends all connections: the next request finds the present certificate and greeting."""
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self._closed = True
        self._listener.close()
        self.hang_up()

    def _accept(self):
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        self._connections.add(connection)
        secured = None
        try:
            if self.greet:
                self.greet(connection)
                return
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.minimum_version = ssl.TLSVersion.TLSv1_3
            tls.load_cert_chain(*self.certificate)
            tls.set_alpn_protocols(["h2"])
            secured = tls.wrap_socket(connection, server_side=True)
            self._connections.add(secured)
            self._speak(secured)
        except OSError:
            pass
        finally:
            for one in (connection, secured):
                self._connections.discard(one)
                if one:
                    one.close()

    def _speak(self, connection):
        stream = connection.makefile("rb")
        if stream.read(len(PREFACE)) != PREFACE:
            return
        connection.sendall(frame(SETTINGS, 0, 0))
        while True:
            head = stream.read(9)
            if len(head) < 9:
                return
            length, kind, flags, ident = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
            payload = stream.read(length)
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                connection.sendall(frame(PING, ACK, 0, payload))
            elif kind == GOAWAY:
                return
            elif kind == DATA and length:
                connection.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", length)))
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                self.asked += 1
                self.script(Call(connection, ident))


class ScriptedBeacon:
    """Somebody else's Beacon. script(handler, body) answers one POST."""

    def __init__(self, certificate=None):
        self.script = None
        self.requests = []
        beacon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                beacon.requests.append((self.path, dict(self.headers), body))
                self.close_connection = True
                try:
                    beacon.script(self, json.loads(body))
                except OSError:
                    pass  # the hub has gone

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}/api"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def reply(handler, body, status=200, kind="application/json", headers=()):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(raw)))
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(raw)


def drip(handler, seconds):
    """An answer of which a byte comes from time to time."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(1 << 21))
    handler.end_headers()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


class Wire:
    """A TCP relay in front of a real node. `delay` seconds pass before bytes of the node go on; `cut` ends connections."""

    def __init__(self):
        self.delay = 0
        self.cut = False
        self.target = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._pairs = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()
        self.break_off()

    def break_off(self):
        for one in list(self._pairs):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.cut:
                    raise OSError
                host, port = self.target.rsplit(":", 1)
                far = socket.create_connection((host, int(port)), 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            self._pairs |= {near, far}
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source, sink, slow):
        try:
            while chunk := source.recv(65536):
                if slow:
                    time.sleep(self.delay)
                sink.sendall(chunk)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._pairs.discard(one)
