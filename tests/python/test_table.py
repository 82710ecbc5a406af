"""Tables come whole, in pages as large as the portal allows, or not at all."""

import contextlib
import io
import unittest

import unpad
from support import DEMO, FAULTS, MEASURES, Case, both_ways


@both_ways
class Tables(Case):
    gateway = FAULTS

    def test_a_table_larger_than_a_page_comes_whole_and_in_order(self):
        found = self.call("table", "faulty", "clamped")
        self.assertEqual([row["code"] for row in found], [f"{i:03}" for i in range(25)])
        self.assertEqual((found.total, found.columns), (25, ["_id", "code", "n"]))
        self.assertEqual(found.fields[1], {"id": "code", "type": "text"})
        self.assertIn("sort=_id", found.provenance.source)

    def test_the_licence_of_a_dataset_is_that_of_its_table(self):
        unpad.use(DEMO)
        found = self.call("table", "demo/dataset/qualitat-aire-mesures", limit=1)
        self.assertEqual(found.provenance.licence, "http://www.opendefinition.org/licenses/cc-by")

    def test_a_limit_ends_it(self):
        found = self.call("table", "faulty", "clamped", limit=12)
        self.assertEqual((len(found), found.total), (12, 25))

    def test_a_limit_of_none_gives_the_columns(self):
        self.assertEqual(self.call("table", "faulty", "clamped", limit=0).total, 25)

    def test_wide_rows_are_asked_for_in_smaller_pages(self):
        found = self.call("table", "faulty", "wide")
        self.assertEqual((len(found), found[-1]["_id"]), (2_000, 2_000))

    def test_a_count_that_changes_is_an_error(self):
        self.assertIn("had 25 rows, and now has 26", str(self.raises(unpad.BrokenAnswer, "table", "faulty", "changing")))

    def test_rows_that_shift_are_an_error(self):
        self.assertIn("Row 11", str(self.raises(unpad.BrokenAnswer, "table", "faulty", "shifting")))

    def test_a_page_that_is_empty_too_early_is_an_error(self):
        self.assertIn("After 20 of 25 rows", str(self.raises(unpad.BrokenAnswer, "table", "faulty", "ends-early")))

    def test_more_rows_than_were_asked_for_are_an_error(self):
        self.raises(unpad.BrokenAnswer, "table", "faulty", "greedy", limit=5)

    def test_a_resource_without_a_table_says_to_read_its_file(self):
        error = self.raises(unpad.NotFound, "table", "faulty", "nothing")
        self.assertIn("read_csv('faulty/-/resource/nothing')", error.advice)
        self.assertEqual("await" in error.advice, type(self).__name__.endswith("WithAwait"))

    def test_the_demonstration_is_filtered_and_sorted(self):
        unpad.use(DEMO)
        found = self.call("table", "demo", MEASURES, fields=["id_mesura", "valor"], filters={"municipi": "Θεσσαλονίκη", "contaminant": ["NO2", "O3"]},
                          sort="valor desc nulls last", limit=3)
        self.assertEqual(found.columns, ["id_mesura", "valor"])
        self.assertEqual(sorted(found, key=lambda row: -row["valor"]), found)
        self.assertIn("nulls+last%2C+_id", found.provenance.source)
        self.assertGreater(self.call("table", "demo", MEASURES, q="hospitalet").total, 0)

    def test_a_dataset_a_page_and_a_dump_name_their_table(self):
        unpad.use(DEMO)
        for reference in ("demo/dataset/qualitat-aire-mesures", f"demo/dataset/qualitat-aire-mesures/resource/{MEASURES}",
                          f"{DEMO}/p/demo/datastore/dump/{MEASURES}"):
            self.assertEqual(len(self.call("table", reference)), 2400, reference)

    def test_a_table_is_shown_in_a_notebook(self):
        shown = self.call("table", "faulty", "whole")._repr_html_()
        self.assertIn("25 rows, of which 20 are shown", shown)

    def test_progress_tells_the_rows(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.call("table", "faulty", "clamped", progress=True)
        self.assertRegex(said.getvalue(), "Table.*25")


if __name__ == "__main__":
    unittest.main()
