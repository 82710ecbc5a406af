"""CSV as it is found: charsets, delimiters, ragged rows."""

import unittest
import warnings

import unpad
from support import FAULTS, PANDAS, Case


class Csv(Case):
    gateway = FAULTS

    def rows(self, name, **named):
        return self.call("read_csv", self.file(name), pandas=False, **named)

    def test_what_is_not_utf_8_is_read_as_windows_1252_with_a_warning(self):
        with self.assertWarnsRegex(UserWarning, "windows-1252"):
            rows = self.rows("latin-1.csv")
        self.assertEqual(rows, [{"nom": "Camí", "preu": "5 €"}])

    def test_no_warning_where_the_charset_is_named(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertEqual(self.rows("latin-1.csv", encoding="cp1252")[0]["nom"], "Camí")
            self.assertEqual(self.rows("labelled.csv"), [{"όνομα": "Αθήνα", "n": "1"}])
            self.assertEqual(self.rows("utf-16.csv"), [{"nom": "Reus", "n": "1"}])
            self.assertEqual(self.rows("marked.csv"), [{"nom": "Reus", "n": "1"}])

    def test_delimiters_are_counted_outside_quotes(self):
        rows = self.rows("semicolons.csv")
        self.assertEqual(rows.columns, ["nom", "preu", "nota"])
        self.assertEqual(rows[0], {"nom": "a;b", "preu": "1,5", "nota": "x, y"})
        self.assertEqual(rows[1]["nota"], "d, e\nf")
        self.assertEqual(self.rows("tabs.csv"), [{"nom": "a, b", "n": "1"}])
        self.assertEqual(self.rows("tabs.csv", delimiter="|"), [{"nom\tn": "a, b\t1"}])

    def test_ragged_rows_are_an_error_that_names_the_line(self):
        error = self.raises(unpad.BrokenAnswer, "read_csv", self.file("ragged.csv"), pandas=False)
        self.assertEqual(error.title, "Line 5 has 3 fields, not 2")
        error = self.raises(unpad.BrokenAnswer, "read_csv", self.file("short.csv"), pandas=False)
        self.assertEqual(error.title, "Line 3 has 1 fields, not 2")

    def test_a_quote_that_is_never_closed_is_an_error(self):
        self.raises(unpad.BrokenAnswer, "read_csv", self.file("open.csv"), pandas=False)

    def test_columns_of_the_same_name_are_all_kept(self):
        self.assertEqual(self.rows("twice.csv"), [{"a": "1", "a.1": "2", "a.1.1": "3"}])

    def test_long_fields_are_read_and_the_limit_is_put_back(self):
        import csv
        before = csv.field_size_limit()
        self.assertEqual(len(self.rows("wide.csv")[0]["b"]), 200_000)
        self.assertEqual(csv.field_size_limit(), before)

    def test_what_is_no_csv_says_what_it_is(self):
        self.assertIn("web page", str(self.raises(unpad.BrokenAnswer, "read_csv", self.file("page.csv"))))
        self.assertIn("read_json", str(self.raises(unpad.BrokenAnswer, "read_csv", self.file("numbers.json"))))

    @unittest.skipUnless(PANDAS, "without pandas")
    def test_pandas_gets_charset_and_delimiter(self):
        with self.assertWarnsRegex(UserWarning, "windows-1252"):
            self.assertEqual(self.call("read_csv", self.file("latin-1.csv"))["nom"].tolist(), ["Camí"])
        frame = self.call("read_csv", self.file("semicolons.csv"), decimal=",")
        self.assertEqual(frame["preu"].tolist(), [1.5, 2.5])
        self.assertIn("line", str(self.raises(unpad.BrokenAnswer, "read_csv", self.file("ragged.csv"))))

    def test_other_files_are_told_from_csv_by_what_they_begin_with(self):
        for name, said in (("report", "a PDF"), ("archive", "a ZIP archive"), ("book", "an Excel workbook"), ("sheet", "a spreadsheet"),
                           ("old", "an Excel workbook"), ("packed", "a file that gzip"), ("picture", "an image"), ("columns", "a Parquet file")):
            error = self.raises(unpad.BrokenAnswer, "read_csv", self.file(f"{name}.csv"))
            self.assertIn(f"This is {said}", error.title)
            self.assertRegex(error.advice, r"unpad\.(sync\.)?save\('http\S+', 'data\.[a-z.0-9]+'\)")
        self.assertIn("pandas.read_excel(", str(self.raises(unpad.BrokenAnswer, "read_csv", self.file("book.csv"))))
        self.assertEqual(self.call("read_csv", self.file("names.csv"), pandas=False), [{"PAR1": "1", "PK": "2", "BM": "3"}])


if __name__ == "__main__":
    unittest.main()
