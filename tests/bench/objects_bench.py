#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PUT and GET of one large object beside s3cmd and rclone, against the same S3 server in the same run.

Usage: tests/bench/objects_bench.py [--mib 128] [--rounds 3] [--json FILE]

Rates are medians; the server shares the machine, so look at the ratios, and at the client's own CPU time. What was read is
compared with what was written. Needs tools/install-deps --with s3-tests and the target objects_transfer.
"""

import argparse
import filecmp
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GENOFED_BUILD_DIR", REPO / "build" / "ci")).resolve()


def timed(command, env):
    """(wall, CPU) seconds of a command that must succeed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}  # of no concern to this server
    done = subprocess.run(command, env={**inherited, **env}, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-500:]}"
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def clients(server, folder):
    """Name of a client to (environment, command that puts, command that gets); {name} and {file} are filled in."""
    host, bucket = server["endpoint"].split("://")[1], server["bucket"]
    s3cmd = ["s3cmd", "-q", "--config", str(folder / "s3cmd"), "--access_key", server["access_key"], "--secret_key", server["secret_key"],
             "--host", host, "--host-bucket", host, "--no-ssl", "--multipart-chunk-size-mb", "16", "--force"]
    (folder / "s3cmd").write_text("[default]\n")
    rclone = ["rclone", "--config", str(folder / "rclone"), "--s3-chunk-size", "16M", "--s3-upload-cutoff", "16M", "--s3-no-check-bucket"]
    (folder / "rclone").write_text(f"[s3]\ntype = s3\nprovider = Other\nendpoint = {server['endpoint']}\naccess_key_id = {server['access_key']}\n"
                                   f"secret_access_key = {server['secret_key']}\nforce_path_style = true\n")
    ours = [BUILD / "bin" / "objects_transfer"]
    keys = {"ACCESS_KEY": server["access_key"], "SECRET_KEY": server["secret_key"]}
    return {"genofed": (keys, ours + ["put", server["endpoint"], bucket, "{name}", "{file}"],
                        ours + ["get", server["endpoint"], bucket, "{name}", "{file}"]),
            "s3cmd": ({}, s3cmd + ["put", "{file}", f"s3://{bucket}/{{name}}"], s3cmd + ["get", f"s3://{bucket}/{{name}}", "{file}"]),
            "rclone": ({}, rclone + ["copyto", "{file}", f"s3:{bucket}/{{name}}"], rclone + ["copyto", f"s3:{bucket}/{{name}}", "{file}"])}


def measure(mib, rounds):
    """Rows of {"id", "client", "mb_per_s", "cpu_s_per_gb", "equal"}, ours first."""
    with tempfile.TemporaryDirectory(prefix="genofed-objects-") as name:
        folder = pathlib.Path(name)
        source = folder / "source"
        source.write_bytes(os.urandom(mib << 20))
        server = subprocess.Popen(["/usr/bin/python3", REPO / "tests" / "infra" / "swift_s3.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            found = clients(json.loads(server.stdout.readline()), folder)
            times = {(kind, client): [] for kind in ("put", "get") for client in found}
            equal = dict.fromkeys(found, True)
            for number in range(rounds):
                for client, (env, put, get) in found.items():
                    for kind, command in (("put", put), ("get", get)):
                        target = source if kind == "put" else folder / f"{client}-copy"
                        words = [str(w).replace("{name}", f"{client}-{number}").replace("{file}", str(target)) for w in command]
                        times[kind, client].append(timed(words, env))
                    equal[client] = equal[client] and filecmp.cmp(source, folder / f"{client}-copy", shallow=False)
                    (folder / f"{client}-copy").unlink()
        finally:
            server.stdin.close()
            server.wait()
    size = mib * 1.048576  # MB
    return [{"id": f"OBJ-{kind}", "client": client, "mb_per_s": size / statistics.median(t[0] for t in taken),
             "cpu_s_per_gb": statistics.median(t[1] for t in taken) / size * 1000, "equal": equal[client]}
            for (kind, client), taken in times.items()]


def main():
    parser = argparse.ArgumentParser(description="PUT and GET beside s3cmd and rclone.")
    parser.add_argument("--mib", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    rows = measure(options.mib, options.rounds)
    ours = {row["id"]: row for row in rows if row["client"] == "genofed"}
    print(f"{'id':<10}{'client':<10}{'MB/s':>8}{'ours/it':>9}{'CPU s/GB':>10}{'ours/it':>9}{'equal':>7}")
    for row in rows:
        mine = ours[row["id"]]
        print(f"{row['id']:<10}{row['client']:<10}{row['mb_per_s']:>8.1f}{mine['mb_per_s'] / row['mb_per_s']:>9.2f}"
              f"{row['cpu_s_per_gb']:>10.2f}{mine['cpu_s_per_gb'] / row['cpu_s_per_gb']:>9.2f}{'yes' if row['equal'] else 'NO':>7}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0 if all(row["equal"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
