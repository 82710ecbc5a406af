"""Each verb on the demonstration portal, with `await` and without."""

import json
import os
import pathlib
import secrets
import unittest

import unpad
from support import DEMO, FAULTS, MEASURES, PANDAS, Case, Liar, both_ways

NAME = "qualitat-aire-mesures"


@both_ways
class Verbs(Case):
    def test_read_json_of_a_dataset_is_its_description(self):
        found = self.call("read_json", f"demo/dataset/{NAME}")
        self.assertEqual(found["name"], NAME)
        self.assertIsInstance(found, dict)
        self.assertEqual(json.loads(json.dumps(found)), found)
        self.assertEqual(found.provenance.licence, "http://www.opendefinition.org/licenses/cc-by")

    def test_read_json_of_an_api_link_is_the_whole_json(self):
        path = f"/p/demo/api/3/action/package_show?id={NAME}"
        for reference in (DEMO + path, path, path[len("/p/"):], pathlib.PurePosixPath(f"demo/api/3/action/package_show?id={NAME}")):
            found = self.call("read_json", reference)
            self.assertIs(found["success"], True, reference)
            self.assertEqual(found["result"]["name"], NAME)

    def test_links_of_the_portal_find_the_way(self):
        base = self.call("portals")[0]["base"]
        for link in (f"{base}/dataset/{NAME}", f"{base}/ca/dataset/{NAME}", f"{base}/api/3/action/package_show?id={NAME}"):
            found = self.call("resolve", link)
            self.assertEqual((found["portal"], found["dataset"]), ("demo", NAME), link)
            self.assertTrue(found["url"].startswith(DEMO + "/p/demo/"), found["url"])

    def test_datasets_lead_to_resources_and_these_to_rows(self):
        found = self.call("datasets", "demo", "aire", limit=3)
        self.assertEqual((len(found), found.total), (3, 9))
        measures = next(it for it in self.call("datasets", "demo", "mesures") if it["name"] == NAME)
        self.assertEqual(measures["reference"], f"demo/dataset/{NAME}")
        self.assertEqual(measures["formats"], ["CSV", "PDF"])
        self.assertEqual(measures["organization"], "Ajuntament de Vilanova del Camí")
        resources = self.call("resources", measures)
        self.assertEqual([it["format"] for it in resources], ["CSV", "PDF"])
        self.assertEqual((resources[0]["bytes"], resources[0]["in_datastore"]), (225_589, True))
        rows = self.call("read_csv", resources[0], pandas=False)
        self.assertEqual((len(rows), rows[0]["id_mesura"], rows[0]["valor"]), (2400, "9007199254740993", "46.00"))
        self.assertEqual(rows.columns[:2], ["id_mesura", "municipi"])

    def test_datasets_come_in_pages(self):
        first, second = (self.call("datasets", "demo", limit=2, offset=offset) for offset in (0, 1))
        self.assertEqual(first[1], second[0])

    def test_resources_are_found_by_portal_and_name_and_by_one_of_them(self):
        by_name = self.call("resources", "demo", NAME)
        self.assertEqual(by_name, self.call("resources", by_name[1]["reference"]))
        self.assertEqual(by_name, self.call("resources", f"demo/-/resource/{MEASURES}"))

    def test_read_csv_of_a_dataset_reads_its_only_csv(self):
        rows = self.call("read_csv", f"demo/dataset/{NAME}", pandas=False)
        self.assertEqual(len(rows), 2400)
        self.assertEqual(rows.provenance.licence, "http://www.opendefinition.org/licenses/cc-by")

    def test_the_licence_is_that_of_the_dataset_that_a_reference_names(self):
        resource = f"demo/dataset/qualitat-aire-mesures/resource/{MEASURES}"
        for verb in ("read_csv", "table"):
            found = unpad.provenance(self.call(verb, resource))
            self.assertEqual(found.licence, "http://www.opendefinition.org/licenses/cc-by", verb)
        # Without the dataset, that of the portal.
        self.assertEqual(unpad.provenance(self.call("table", "demo", MEASURES, limit=1)).licence,
                         "https://spdx.org/licenses/CC-BY-4.0")

    def test_read_csv_of_a_dataset_with_several_lists_the_lines_to_write(self):
        unpad.use(FAULTS)
        error = self.raises(unpad.InvalidReference, "read_csv", "faulty/dataset/hostile")
        self.assertIn("read_csv('faulty/dataset/hostile/resource/r-b')  # B", str(error))
        error = self.raises(unpad.InvalidReference, "read_csv", "faulty/dataset/empty")
        self.assertIn("no resources", str(error))

    def test_save_makes_folders_and_gives_the_path_back(self):
        target = self.folder / "new" / "deep" / "aire.csv"
        saved = self.call("save", f"demo/dataset/{NAME}/resource/{MEASURES}", target)
        self.assertEqual((str(saved), saved.bytes), (str(target), 225_589))
        self.assertIsInstance(saved, os.PathLike)
        with open(saved, "rb") as file:
            self.assertEqual(len(file.read()), 225_589)
        self.assertEqual(os.listdir(target.parent), ["aire.csv"])

    def test_save_of_a_dataset_is_package_show_as_it_came(self):
        saved = self.call("save", f"demo/dataset/{NAME}", self.folder / "d.json")
        document = json.loads(pathlib.Path(saved).read_bytes())
        self.assertEqual((document["success"], document["result"]["name"]), (True, NAME))

    def test_save_of_a_dataset_as_a_data_format_takes_its_resource_of_that_format(self):
        saved = self.call("save", f"demo/dataset/{NAME}", self.folder / "aire.CSV")
        self.assertEqual(saved.bytes, 225_589)
        self.assertEqual(saved.provenance.licence, "http://www.opendefinition.org/licenses/cc-by")
        for name in ("d", "d.JSON"):
            self.assertIn("result", json.loads(pathlib.Path(self.call("save", f"demo/dataset/{NAME}", self.folder / name)).read_bytes()))

    def test_save_lists_the_lines_to_write_where_a_format_is_not_there_once(self):
        unpad.use(FAULTS)
        several = str(self.raises(unpad.InvalidReference, "save", "faulty/dataset/hostile", "new/x.csv"))
        self.assertIn("save('faulty/dataset/hostile/resource/r-b', 'new/x.csv')  # B", several)
        none = str(self.raises(unpad.InvalidReference, "save", "faulty/dataset/formats", "new/x.xlsx"))
        self.assertIn("no resource with a XLSX file", none)
        self.assertIn("save('faulty/dataset/formats/resource/f-csv', 'new/x.csv')  # .Csv, Files", none)
        # Pasted, a name is a comment to its end, and no path but the one that was given.
        self.assertIn("save('faulty/dataset/formats/resource/f-geo', 'new/x.geojson')  # GeoJSON, Map import os", none)
        self.assertIn("save('faulty/dataset/formats/resource/f-odd', 'new/x.xlsx')", none)
        self.assertFalse(os.path.exists("new"))

    def test_save_says_which_path_cannot_be_written(self):
        (self.folder / "file").write_text("")
        for target, kind in ((self.folder / "file" / "x.json", (NotADirectoryError, FileExistsError)), (pathlib.Path("/proc/x.json"), OSError)):
            with self.assertRaises(kind) as caught:
                self.call("save", f"demo/dataset/{NAME}", target)
            self.assertEqual(caught.exception.filename, str(target))

    def test_save_with_its_arguments_swapped_says_so(self):
        link = f"{DEMO}/p/demo/x.csv"
        error = self.raises(unpad.InvalidReference, "save", "data/x.csv", link)
        self.assertIn(f"swapped. The reference comes first: {self.written()}save({link!r}, 'data/x.csv')", error.advice)
        error = self.raises(unpad.InvalidReference, "save", "demo/dataset/x", link)
        self.assertIn(f"Give a path, as in {self.written()}save('demo/dataset/x', 'data.csv')", error.advice)
        self.assertFalse(os.path.exists("http:"))

    def test_save_does_not_take_the_place_of_a_folder(self):
        self.raises(IsADirectoryError, "save", f"demo/dataset/{NAME}", self.folder)

    def test_portals_are_listed(self):
        found = self.call("portals")
        self.assertEqual([it["id"] for it in found], ["demo"])
        self.assertIn("The demonstration portal", found._repr_html_())

    def test_socrata_lists_its_datasets_too(self):
        unpad.use(FAULTS)
        found = self.call("datasets", "soda", "arbres")
        self.assertEqual((len(found), found.total, found[0]["title"]), (1, 41, "Arbres"))
        self.assertEqual(found[0]["reference"], "soda/resource/abcd-1234.json")
        self.assertIn("q=arbres", found.provenance.source)

    def test_software_without_a_list_of_datasets_says_so(self):
        unpad.use(FAULTS)
        self.assertIn("plain", str(self.raises(unpad.InvalidReference, "datasets", "simple")))

    def test_an_answer_says_what_the_cache_did(self):
        path = f"{DEMO}/p/demo/api/3/action/package_show?id=parades-bus&try={secrets.token_hex(8)}"
        self.assertEqual(self.call("read_json", path).provenance.cache, "miss")
        self.assertEqual(self.call("read_json", path).provenance.cache, "hit")

    def test_refresh_asks_the_gateway_not_to_answer_from_its_cache(self):
        with Liar(lambda path: (200, {"Content-Length": "2"}, b"[]")) as liar:
            for refresh in (False, True):
                self.call("read_json", f"{liar.url}/p/x/y", refresh=refresh)
        self.assertEqual([fields.get("Cache-Control") for _, fields in liar.asked], [None, "no-cache"])


class Listings(Case):
    gateway = FAULTS

    def test_a_notebook_shows_lists_with_everything_escaped(self):
        for found in (self.call("datasets", "faulty"), self.call("resources", "faulty/dataset/hostile")):
            shown = found._repr_html_()
            self.assertNotIn("<img", shown)
            self.assertNotIn("<b>", shown)
            self.assertNotIn('href="javascript', shown)
            self.assertIn("1 row" if len(found) == 1 else "2 rows", shown)

    def test_verbs_are_coroutine_functions(self):
        import inspect
        for verb in ("read_json", "read_csv", "save", "datasets", "resources", "table", "portals", "resolve"):
            self.assertTrue(inspect.iscoroutinefunction(getattr(unpad, verb)), verb)
            self.assertEqual(inspect.signature(getattr(unpad, verb)), inspect.signature(getattr(unpad.sync, verb)), verb)

    def test_two_verbs_run_at_the_same_time(self):
        import asyncio
        import threading
        both = threading.Barrier(2, timeout=10)  # neither is answered before both have asked

        def answer(path):
            both.wait()
            return 200, {"Content-Length": "2"}, b"[]"

        async def ask(url):
            return await asyncio.gather(unpad.read_json(f"{url}/p/x/a"), unpad.read_json(f"{url}/p/x/b"))

        with Liar(answer) as liar:
            self.assertEqual(asyncio.run(ask(liar.url)), [[], []])

    def test_the_test_runs_with_pandas_or_without_as_it_should(self):
        import importlib.util
        self.assertEqual(importlib.util.find_spec("pandas") is not None, PANDAS)


if __name__ == "__main__":
    unittest.main()
