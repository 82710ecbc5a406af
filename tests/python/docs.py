"""Runs the blocks of a document that are marked `<!-- run: python -->`, as a notebook runs its cells.

    docs.py DOCUMENT GATEWAY

The demonstration's usual address in a block becomes GATEWAY; `%pip install` installs; `await` may stand at
the top. Each block is run by itself, in an empty folder.
"""

import ast
import asyncio
import inspect
import os
import re
import subprocess
import sys
import tempfile

MARKED = re.compile(r"^<!-- run: python -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USUAL = "http://127.0.0.1:8080"


def install(line):
    what = line.split()[2:]
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--force-reinstall", *what]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


async def run(block):
    lines = block.splitlines()
    for line in lines:
        if line.startswith("%pip install"):
            install(line)
    code = "\n".join("" if line.startswith("%") else line for line in lines)
    compiled = compile(code, "a block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"__name__": "__main__"}
    result = eval(compiled, names)
    if inspect.iscoroutine(result):
        await result
    return {name: value for name, value in names.items() if not name.startswith("_")}


def main(document, gateway):
    with open(document, encoding="utf-8") as file:
        blocks = MARKED.findall(file.read())
    if not blocks:
        raise SystemExit(f"{document}: nothing to run")
    for block in blocks:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            names = asyncio.run(run(block.replace(USUAL, gateway)))
            os.chdir("/")
        told = {name: type(value).__name__ for name, value in names.items()}
        print("ok     a block:", block.splitlines()[-1], told, flush=True)
    print(f"{document}: {len(blocks)} blocks run")


main(os.path.abspath(sys.argv[1]), sys.argv[2])
