# SPDX-License-Identifier: Apache-2.0
"""A directory on a disk whose power can be cut: what was not synced is lost."""

import json
import os
import signal
import subprocess

from federation import BUILD


class PowerCutDisk:
    """`mount` shows what is kept in `disk`. start() raises OSError where file systems of one's own cannot be mounted."""

    def __init__(self, disk, mount):
        self.disk, self.mount = disk, mount
        self.process = None
        for folder in (disk, mount):
            folder.mkdir(parents=True, exist_ok=True)

    def start(self, survives=0.0, seed=1):
        """`survives`: the share of 4 KiB blocks not synced that are on the disk nevertheless when the power is cut."""
        self.process = subprocess.Popen([BUILD / "bin" / "power_cut_fs", self.disk, self.mount, str(survives), str(seed)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise OSError(self.process.communicate()[1].strip())

    def lie(self):
        """From now on the disk says that it synced, and did not."""
        self.process.send_signal(signal.SIGUSR2)

    def cut(self):
        """Cuts the power. {"files", "lost", "kept"}: files with blocks that were not synced, and what became of those."""
        self.process.send_signal(signal.SIGUSR1)
        out, _ = self.process.communicate(timeout=60)
        self._unmount()
        return json.loads(out)

    def stop(self):
        self._unmount()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def _unmount(self):
        while os.path.ismount(self.mount) or not self._answers():
            if subprocess.run(["umount", "-l", self.mount], capture_output=True, check=False).returncode != 0:
                return

    def _answers(self):
        try:
            os.stat(self.mount)
            return True
        except OSError:  # the file system's process has gone
            return False
