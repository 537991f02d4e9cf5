#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real S3 server for tests: OpenStack Swift with s3api, on loopback, in a temporary directory.

Prints one line of JSON when it answers: {"endpoint", "region", "bucket", "access_key", "secret_key", "reader_access_key",
"reader_secret_key"}. Runs until its standard input ends, so that it cannot outlive whoever started it, however that ended.
The bucket exists and is empty; the reader may do nothing in it.

Needs the Debian packages python3-swift and memcached (tools/install-deps --with s3-tests) and no root; exits with 77 when
they are missing. Files of the servers: one replica, no system services, nothing outside the temporary directory.

Usage: swift_s3.py [--check]        --check: only say whether the packages are there
"""

import ctypes
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import time

MISSING = 77
START_SECONDS = 120  # three on an idle machine
REGION, BUCKET = "us-east-1", "genofed"
OWNER, READER = ("test:tester", "testing"), ("test:reader", "reading")

COMMON = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
log_name = {role}-server
log_address = {folder}/no-syslog
"""
STORAGE = COMMON + """
[pipeline:main]
pipeline = {role}-server
[app:{role}-server]
use = egg:swift#{role}
"""
# Segments of multipart uploads live in a container of their own, which s3api makes.
PROXY = COMMON + """
[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:s3api]
use = egg:swift#s3api
location = {region}
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_{owner} = {owner_key} .admin
user_{reader} = {reader_key}
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def storage_folder():
    """A new directory on a file system that keeps extended attributes, which Swift needs for an object's metadata."""
    for parent in (tempfile.gettempdir(), "/var/tmp"):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="genofed-swift-", dir=parent))
        try:
            os.setxattr(folder, "user.genofed", b"1")
            return folder
        except OSError:
            folder.rmdir()
    sys.exit("swift_s3: neither the temporary directory nor /var/tmp keeps extended attributes")


def spawn(work):
    """A child that runs `work` and dies with this process."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)  # standard output carries the one line of JSON
    try:
        if os.getppid() == parent:
            work()
    finally:
        os._exit(1)


def write_configuration(folder, ports):
    from swift.common.ring import RingBuilder
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = only\ndefault = yes\n")
    (folder / "devices" / "d1").mkdir(parents=True)
    names = {"proxy": ports["proxy"]}
    for role in ("account", "container", "object"):
        builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
        builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": ports[role], "device": "d1", "weight": 1})
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{role}.ring.gz"))
        names[role] = ports[role]
    for role, port in names.items():
        import pwd
        text = (PROXY if role == "proxy" else STORAGE).format(
            role=role, port=port, folder=folder, user=pwd.getpwuid(os.geteuid()).pw_name, region=REGION, memcached=ports["memcached"],
            owner=OWNER[0].replace(":", "_"), owner_key=OWNER[1], reader=READER[0].replace(":", "_"), reader_key=READER[1])
        (folder / f"{role}.conf").write_text(text)


def start(folder, ports):
    from swift.common.wsgi import run_wsgi

    def memcached():
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        os.execvp("memcached", ["memcached", "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-U", "0", "-m", "64", *user])

    servers = [spawn(memcached)]
    for role in ("account", "container", "object", "proxy"):
        servers.append(spawn(lambda role=role: run_wsgi(str(folder / f"{role}.conf"), f"{role}-server")))
    return servers


def make_bucket(port):
    """PUT /<bucket> with Signature Version 4; an own few lines, so that the client under test is not needed to start."""
    def mac(key, text):
        return hmac.new(key, text.encode(), hashlib.sha256).digest()
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    empty = hashlib.sha256(b"").hexdigest()
    headers = {"host": f"127.0.0.1:{port}", "x-amz-content-sha256": empty, "x-amz-date": now}
    names = ";".join(headers)
    canonical = f"PUT\n/{BUCKET}\n\n" + "".join(f"{k}:{v}\n" for k, v in headers.items()) + f"\n{names}\n{empty}"
    scope = f"{now[:8]}/{REGION}/s3/aws4_request"
    key = ("AWS4" + OWNER[1]).encode()
    for part in scope.split("/"):
        key = mac(key, part)
    signature = mac(key, f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}").hex()
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={OWNER[0]}/{scope}, SignedHeaders={names}, Signature={signature}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("PUT", f"/{BUCKET}", headers=headers)
    response = connection.getresponse()
    return response.status, response.read()


def wait_for_bucket(port):
    end = time.monotonic() + START_SECONDS
    last = None
    while time.monotonic() < end:
        try:
            last = make_bucket(port)
            if last[0] == 200:
                return
        except (OSError, http.client.HTTPException) as error:
            last = error
        time.sleep(0.1)
    sys.exit(f"swift_s3: no bucket after {START_SECONDS} s; last: {last!r:.500}")


def stop(servers, folder):
    for pid in servers:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
    shutil.rmtree(folder, ignore_errors=True)


def main():
    try:
        import swift.common.utils
    except ImportError:
        swift = None
    if swift is None or shutil.which("memcached") is None:
        print("swift_s3: python3-swift or memcached is missing; tools/install-deps --with s3-tests", file=sys.stderr)
        return MISSING
    if sys.argv[1:] == ["--check"]:
        return 0
    # The runner's Ctrl-C must not cut the cleaning short: the end of standard input ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = storage_folder()
    swift.common.utils.SWIFT_CONF_FILE = str(folder / "swift.conf")  # before other modules of Swift read it
    servers = []
    try:
        roles = ("account", "container", "object", "proxy", "memcached")
        ports = dict(zip(roles, free_ports(len(roles))))
        write_configuration(folder, ports)
        servers = start(folder, ports)
        wait_for_bucket(ports["proxy"])
        print(json.dumps({"endpoint": f"http://127.0.0.1:{ports['proxy']}", "region": REGION, "bucket": BUCKET,
                          "access_key": OWNER[0], "secret_key": OWNER[1],
                          "reader_access_key": READER[0], "reader_secret_key": READER[1]}), flush=True)
        sys.stdin.buffer.read()
    finally:
        stop(servers, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
