"""The gateway serves its own client, which then knows the gateway."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

GATEWAY = os.environ["GATEWAY"]
SCRIPT = ("import unpad; print(unpad.__file__); print(unpad.gateway()); print(unpad._gateway.find()[1])")


def install(folder, *what):
    done = subprocess.run([sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir",
                           "--no-deps", "--target", folder, *what], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])


def run(folder, script=SCRIPT, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("UNPAD_GATEWAY", "PYTHONPATH")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60,
                          env={**kept, "PYTHONPATH": folder, **environment})
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    return done.stdout.splitlines()


class Installs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)

    def test_from_the_wheels_url_it_knows_the_gateway(self):
        install(self.folder, f"{GATEWAY}/client/unpad-0.1.0-py3-none-any.whl")
        self.assertEqual(run(self.folder), [os.path.join(self.folder, "unpad", "__init__.py"), GATEWAY, "It is where this package was installed from."])
        found = run(self.folder, "import unpad; print(unpad.sync.read_json('demo/dataset/parades-bus')['name'])")
        self.assertEqual(found, ["parades-bus"])
        self.assertTrue(pathlib.Path(self.folder, "unpad", "py.typed").exists(), "py.typed is missing in the wheel")

    def test_from_the_index_it_has_to_be_told(self):
        install(self.folder, "--index-url", f"{GATEWAY}/simple/", "unpad")
        self.assertEqual(run(self.folder)[1:], ["http://127.0.0.1:8080", "It is the default, because nothing names another."])
        self.assertEqual(run(self.folder, UNPAD_GATEWAY=GATEWAY + "/")[1:], [GATEWAY, "It is named by the environment's UNPAD_GATEWAY."])

    def test_micropips_note_is_read_too(self):
        install(self.folder, f"{GATEWAY}/client/unpad-0.1.0-py3-none-any.whl")
        note, = pathlib.Path(self.folder).glob("unpad-*.dist-info/direct_url.json")
        note.unlink()
        for url, wanted in (("https://host/unpad/client/unpad-0.1.0-py3-none-any.whl?x=1", "https://host/unpad"),
                            ("file:///tmp/client/unpad-0.1.0-py3-none-any.whl", "http://127.0.0.1:8080")):
            note.with_name("PYODIDE_URL").write_text(url)
            self.assertEqual(run(self.folder)[1], wanted)

    def test_an_older_url_still_gets_the_client(self):
        install(self.folder, f"{GATEWAY}/client/unpad-0.1.0-py3-none-any.whl?notebook=1")
        self.assertEqual(run(self.folder)[1], GATEWAY)


if __name__ == "__main__":
    unittest.main()
