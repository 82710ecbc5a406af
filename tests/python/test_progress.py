"""Progress is told of long work, in one line, and of nothing else."""

import contextlib
import importlib.util
import io
import sys
import unittest
from unittest import mock

import unpad
from support import FAULTS, Case
from unpad import _progress


class ProgressText(Case):
    gateway = FAULTS

    def told(self, progress):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.call("save", self.file("large.bin"), self.folder / "x", progress=progress)
        return said.getvalue()

    def test_short_work_is_silent_and_so_is_any_if_asked(self):
        self.assertEqual(self.told(None), "")
        with mock.patch.object(_progress, "AFTER", 0):
            self.assertEqual(self.told(False), "")

    def test_text_is_one_line_that_ends(self):
        with mock.patch.object(importlib.util, "find_spec", return_value=None):
            said = self.told(True)
        self.assertTrue(said.startswith("\rDownload: "), said)
        self.assertTrue(said.endswith("5.1 of 5.1 MB (100 %)\n"), said)
        self.assertEqual(said.count("\n"), 1)

    def test_text_is_written_five_times_a_second(self):
        clock = [0.0]
        said = io.StringIO()
        with mock.patch.object(_progress.time, "monotonic", lambda: clock[0]), contextlib.redirect_stderr(said), \
                mock.patch.object(importlib.util, "find_spec", return_value=None):
            shown = _progress.Progress("Table", "rows", None)
            for tick in range(200):
                clock[0] = tick / 100
                shown.add(10)
            shown.close()
        self.assertIn(len(said.getvalue().split("\r")) - 1, (8, 9, 10))
        self.assertTrue(said.getvalue().endswith("Table: 2,000 rows\n"))

    @unittest.skipUnless(importlib.util.find_spec("tqdm"), "without tqdm")
    def test_tqdm_is_taken_where_it_is(self):
        self.assertIn("Download: 100%", self.told(True))

    def test_no_stderr_is_no_reason_to_fail(self):
        with mock.patch.object(sys, "stderr", None), mock.patch.object(importlib.util, "find_spec", return_value=None):
            unpad.sync.save(self.file("large.bin"), self.folder / "x", progress=True)


if __name__ == "__main__":
    unittest.main()
