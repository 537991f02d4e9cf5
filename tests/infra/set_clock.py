# SPDX-License-Identifier: Apache-2.0
"""One process of a federation whose wall clock a test sets, while everything else goes by the machine's."""

import os
import shutil
import struct

from federation import BUILD


class SetClock:
    """`programs` is where Federation takes its programs from: the built ones, but for one that runs by this clock."""

    def __init__(self, folder, site, service):
        library = BUILD / "bin" / "set_clock.so"
        assert library.exists(), f"build the target set_clock: {library}"
        self.programs, self._file = folder / "bin", folder / "offset"
        self.programs.mkdir(parents=True)
        self.set(0)
        for program in (BUILD / "bin").glob("genofed*"):
            (self.programs / program.name).symlink_to(program)
        # It looks for the others where it is itself.
        (self.programs / "genofed").unlink()
        shutil.copy2(BUILD / "bin" / "genofed", self.programs)
        wrapper = self.programs / f"genofed-{service}"
        wrapper.unlink()
        wrapper.write_text(f"""#!/bin/sh
case "$*" in */{site}/*) export LD_PRELOAD={library} GENOFED_CLOCK={self._file} ;; esac
exec {BUILD / "bin" / wrapper.name} "$@"
""")
        wrapper.chmod(0o755)

    def set(self, seconds):
        """So many seconds before (negative) or after the machine's clock, from now on."""
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:  # in place: it is mapped
            os.pwrite(file.fileno(), struct.pack("=q", int(seconds * 1e9)), 0)
