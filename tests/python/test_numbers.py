"""No number is rounded: in JSON, in files, in rows and in DataFrames."""

import decimal
import hashlib
import pathlib
import unittest

import unpad
from portal import FILES
from support import FAULTS, PANDAS, Case, both_ways


@both_ways
class Numbers(Case):
    gateway = FAULTS

    def test_save_keeps_every_byte(self):
        for name in ("numbers.json", "numbers.csv", "marked.csv", "large.bin", "broken.json"):
            saved = self.call("save", self.file(name), self.folder / name)
            content = FILES[name][1]
            self.assertEqual(pathlib.Path(saved).read_bytes(), content, name)
            self.assertEqual(saved.provenance.sha256, hashlib.sha256(content).hexdigest())

    def test_integers_of_twenty_digits_are_exact(self):
        self.assertEqual(self.call("read_json", self.file("numbers.json"))["id"], 12345678901234567890)

    def test_decimals_keep_their_digits_if_asked(self):
        found = self.call("read_json", self.file("numbers.json"), parse_float=decimal.Decimal)
        self.assertEqual((str(found["price"]), str(found["n"][0])), ("1.00", "1.10"))

    def test_each_kind_of_json_says_where_it_is_from(self):
        for name, kind, value in (("text", str, "tram"), ("integer", int, 12345678901234567890), ("float", float, 1.0), ("array", list, [1, 2])):
            found = self.call("read_json", self.file(f"{name}.json"))
            self.assertIsInstance(found, kind)
            self.assertEqual(found, value)
            self.assertIs(unpad.provenance(found), found.provenance)
        self.assertIsNone(self.call("read_json", self.file("null.json")))

    def test_tables_keep_integers(self):
        found = self.call("table", "faulty", "whole")
        self.assertEqual(found[1]["n"], 10 ** 19 + 1)


@unittest.skipUnless(PANDAS, "without pandas")
class Frames(Case):
    gateway = FAULTS

    def test_read_csv_rounds_no_integer(self):
        frame = self.call("read_csv", self.file("numbers.csv"))
        self.assertEqual(frame["id"].tolist(), [9007199254740993, 9007199254740995, -1])
        self.assertEqual(frame["missing"].dropna().tolist(), [9007199254740993, 3])
        self.assertEqual(str(frame["missing"].dtype), "Int64")
        self.assertEqual([str(it) for it in frame["long"].tolist()][0::2], ["12345678901234567890", "-5"])
        self.assertEqual(frame["price"].tolist(), [1.1, 0.30000000000000004, 2.5])

    def test_tables_round_no_integer(self):
        frame = self.call("table", "faulty", "exact", pandas=True)
        self.assertEqual(frame["big"].dropna().unique().tolist(), [2 ** 53 + 1])
        self.assertEqual(str(frame["big"].dtype), "Int64")
        frame = self.call("table", "faulty", "whole").to_pandas()
        self.assertEqual(frame["n"].dropna().tolist()[0], 10 ** 19 + 1)

    def test_a_frame_carries_its_provenance(self):
        import json
        frame = self.call("read_csv", self.file("numbers.csv"))
        self.assertEqual(unpad.provenance(frame).sha256, hashlib.sha256(FILES["numbers.csv"][1]).hexdigest())
        self.assertIn("Source: http", unpad.provenance(frame.head(1)).cite())
        again = frame.copy()
        again.attrs = json.loads(json.dumps(frame.attrs))  # what Parquet keeps of it
        self.assertEqual(unpad.provenance(again).retrieved, unpad.provenance(frame).retrieved)
        again.attrs = {}
        self.assertIsNone(unpad.provenance(again.rename(columns={"id": "provenance"})))

    def test_options_of_pandas_are_handed_on(self):
        frame = self.call("read_csv", self.file("numbers.csv"), usecols=["id"], dtype={"id": str}, nrows=1)
        self.assertEqual(frame["id"].tolist(), ["9007199254740993"])


@unittest.skipIf(PANDAS, "with pandas")
class WithoutPandas(Case):
    gateway = FAULTS

    def test_read_csv_gives_rows(self):
        self.assertIsInstance(self.call("read_csv", self.file("numbers.csv")), unpad.Rows)

    def test_asking_for_pandas_says_how_to_get_it(self):
        for verb, arguments in (("read_csv", {"pandas": True}), ("read_csv", {"usecols": ["id"]})):
            self.assertIn("Install it", str(self.raises(unpad.UnpadError, verb, self.file("numbers.csv"), **arguments)))
        self.raises(unpad.UnpadError, "table", "faulty", "whole", pandas=True)


if __name__ == "__main__":
    unittest.main()
