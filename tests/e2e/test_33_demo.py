# SPDX-License-Identifier: Apache-2.0
"""The first command of the README: every number that the demo tells is what it expects."""

import os
import subprocess
import sys

import pytest

from federation import REPO


@pytest.mark.skipif(os.geteuid() != 0, reason="containers need root")
def test_the_demo_tells_what_it_expects_twice_in_a_row(workspace, images):
    command = [sys.executable, REPO / "tools" / "demo", "--var", workspace / "var-demo"]
    for more in ([], ["--stop"]):
        done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        assert "Everything as expected" in done.stdout
