"""Builds the JupyterLite sites that lite.mjs visits; they ask nothing of any other machine.

    python site.py PYODIDE FOLDER       # FOLDER/stable and FOLDER/next, two versions of one kernel

npm's `pyodide` (PYODIDE) has no Python packages, and those on PyPI differ in their bytes from the ones
Pyodide serves: the lock is rewritten for what PyPI has, and forgets the rest, so that a package which
is not here is an error and not a request to Pyodide's own servers.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

RUNTIME = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"]
# What the kernel imports, and what a notebook needs in order to install something.
PACKAGES = ["micropip", "ipython", "jedi"]
# The kernel takes it from PyPI if the site does not have it.
COMM = "comm==0.2.3"
# A worker without `window`; and, not yet released, one in a frame besides.
KERNELS = {"stable": "jupyterlite-javascript-kernel==0.3.0", "next": "jupyterlite-javascript-kernel==0.4.0a5"}
PYODIDE_KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"


def main(npm, folder):
    wheels = folder / "wheels"
    pyodide = folder / "pyodide"
    assemble(npm, pyodide)
    download(wheels / "pypi", COMM)
    for name, kernel in KERNELS.items():
        download(wheels / name, kernel)
        build(folder / name, pyodide, wheels / "pypi", next((wheels / name).glob("*.whl")))


def assemble(npm, pyodide):
    pyodide.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copy2(npm / name, pyodide)
    lock = json.loads((npm / "pyodide-lock.json").read_text())
    packages = {normal(name): entry for name, entry in lock["packages"].items()}
    needed, waiting = {}, list(PACKAGES)
    while waiting:
        name = normal(waiting.pop())
        if name not in needed:
            needed[name] = packages[name]
            waiting += packages[name]["depends"]
    download(pyodide, *(f"{name}=={entry['version']}" for name, entry in needed.items()))
    files = {normal(file.name.split("-")[0]): file for file in pyodide.glob("*.whl")}
    for name, entry in needed.items():
        entry["file_name"] = files[name].name
        entry["sha256"] = hashlib.sha256(files[name].read_bytes()).hexdigest()
    lock["packages"] = needed
    (pyodide / "pyodide-lock.json").write_text(json.dumps(lock))


def download(folder, *wanted):
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
         "--only-binary=:all:", "--python-version", "3.14", "-d", folder, *wanted],
        check=True,
    )


def build(site, pyodide, pypi, kernel):
    source = site.with_name(site.name + "-source")
    (source / "static").mkdir(parents=True)
    # A build finds both by where they are.
    (source / "static" / "pyodide").symlink_to(pyodide)
    (source / "pypi").symlink_to(pypi)
    write(source / "jupyter_lite_config.json", {"LiteBuildConfig": {"federated_extensions": [str(kernel)]}})
    settings = {"litePluginSettings": {PYODIDE_KERNEL: {"disablePyPIFallback": True}}}
    write(source / "jupyter-lite.json", {"jupyter-lite-schema-version": 0, "jupyter-config-data": settings})
    subprocess.run(
        [Path(sys.executable).with_name("jupyter"), "lite", "build", "--no-sourcemaps", "--apps", "lab", "--apps", "repl",
         "--output-dir", site],
        cwd=source, check=True,
    )
    # Some failures of a build are told and leave its status at zero.
    extensions = json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]["federated_extensions"]
    names = {each["name"] for each in extensions}
    if names != {"@jupyterlite/pyodide-kernel-extension", "@jupyterlite/javascript-kernel-extension"}:
        raise SystemExit(f"{site}: its kernels are {names}")


def write(path, value):
    path.write_text(json.dumps(value))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
