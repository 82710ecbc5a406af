"""The other end of shim.c: a disk that becomes slow or broken, and a wall clock that jumps, while the program runs."""

import mmap
import pathlib
import shutil
import struct
import subprocess


class Shim:
    """Compiled when it is first needed. `env` is what the program is started with."""

    def __init__(self, folder, below):
        library, control = folder / "shim.so", folder / f"control-{below.name}"
        source = pathlib.Path(__file__).with_name("shim.c")
        if not library.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
        control.write_bytes(bytes(4096))
        with control.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)
        self.env = {"LD_PRELOAD": str(library), "UNPAD_FAULTS_CONTROL": str(control), "UNPAD_FAULTS_BELOW": str(below)}

    @staticmethod
    def is_possible():
        return shutil.which("cc") is not None

    def _set(self, place, value):
        self.memory[place * 8:place * 8 + 8] = struct.pack("=q", value)

    def disk(self, slow=0.0, error=0):
        """Every read takes so many seconds more, or fails with an error number."""
        self._set(0, int(slow * 1e6))
        self._set(1, error)

    def clock(self, ahead):
        """The wall clock is so many seconds ahead."""
        self._set(2, ahead)
