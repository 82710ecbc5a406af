"""Errors are sentences with advice, and of the kind that one would catch."""

import os
import pathlib
import traceback
import unittest
from unittest import mock

import unpad
from support import DEMO, FAULTS, Case, Liar, both_ways


@both_ways
class Errors(Case):
    gateway = FAULTS

    def test_an_unknown_portal(self):
        for reference in ("nowhere/dataset/x", f"{FAULTS}/p/nowhere/x.json", "https://nowhere.example/dataset/x"):
            with self.assertRaises(unpad.UnpadError) as caught:
                self.call("read_json", reference)
            self.assertIn(type(caught.exception), (unpad.InvalidReference, unpad.NotFound))
            self.assertIn("portal", str(caught.exception).lower())

    def test_a_reference_that_leads_nowhere_says_which_gateway_was_asked_and_why(self):
        for reference in ("nowhere/dataset/x", "https://nowhere.example/dataset/x", "https://"):
            error = self.raises(unpad.InvalidReference, "read_json", reference)
            self.assertIn(f"The reference is {reference!r}.", error.detail)
            self.assertIn(f"The gateway that was asked is {FAULTS}. It was named with unpad.use(…).", error.advice)
            self.assertIn(f"{self.written()}portals() lists its portals.", error.advice)
        error = self.raises(unpad.InvalidReference, "save", "data/x.json", "faulty/dataset/hostile")
        self.assertIn(f"The reference comes first: {self.written()}save('REFERENCE', 'data/x.json')", error.advice)
        error = self.raises(unpad.NotFound, "read_json", f"{FAULTS}/p/nowhere/x.json")
        self.assertIn(f"{FAULTS}/p/nowhere/x.json", error.advice)
        self.assertIn(f"{self.written()}portals()", error.advice)

    def test_a_link_of_another_gateway_says_how_to_ask_that_one(self):
        for other in ("http://gateway.example:8080", "https://data.example/unpad"):
            error = self.raises(unpad.InvalidReference, "read_json", f"{other}/p/nowhere/-/resource/x")
            self.assertIn(f"The gateway that was asked is {FAULTS}.", error.advice)
            self.assertIn(f"unpad.use({other!r})", error.advice)

    def test_a_link_that_is_none_of_the_web_says_so(self):
        for scheme in ("htp", "ftp", "file"):
            error = self.raises(unpad.InvalidReference, "read_json", f"{scheme}://faulty.example/dataset/x")
            self.assertIn("begins with http:// or https://", error.title)
            self.assertIn(f"begins with {scheme}:", error.detail)

    def test_a_notebook_shows_no_frames_of_ours_but_one(self):
        for verb in ("read_json", "resources"):
            try:
                self.call(verb, "nowhere/dataset/x")
            except unpad.InvalidReference as caught:  # assertRaises would take its traceback away
                error = caught
            ours = [frame for frame in traceback.extract_tb(error.__traceback__) if f"unpad{os.sep}_" in frame.filename or "sync.py" in frame.filename]
            self.assertEqual(len(ours), 1)
            self.assertTrue(error.__suppress_context__)

    def test_the_message_of_ckan(self):
        error = self.raises(unpad.NotFound, "read_json", "faulty/dataset/missing")
        self.assertEqual(str(error).splitlines()[:2], ["The portal says: Not Found Error", "Not found"])
        self.assertEqual(error.status, 404)
        for verb, more in (("read_json", []), ("read_csv", []), ("resources", []), ("table", []), ("save", [self.folder / "x.json"]),
                           ("save", [self.folder / "x.csv"])):
            advice = self.raises(unpad.NotFound, verb, "faulty/dataset/missing", *more).advice
            self.assertIn("faulty has no public dataset 'missing'.", advice)
            self.assertIn(f"{self.written()}datasets('faulty', 'words')", advice)
        error = self.raises(unpad.PortalError, "read_json", f"{FAULTS}/p/faulty/api/3/action/site_read")
        self.assertEqual(error.detail, "q: Missing value · rows: Must be small")
        self.assertEqual(error.problem["error"]["__type"], "Validation Error")

    def test_an_error_with_status_200_is_not_kept_as_a_file(self):
        target = self.folder / "x.json"
        self.assertIn("Sign in first", str(self.raises(unpad.PortalError, "save", self.file("no.json"), target)))
        self.assertEqual(os.listdir(self.folder), [])
        self.raises(unpad.PortalError, "read_json", self.file("no.json"))

    def test_a_portal_that_is_down(self):
        error = self.raises(unpad.PortalError, "read_json", "down/api/3/action/status_show")
        self.assertEqual((error.portal, error.type.rpartition("#")[2], error.status), ("down", "portal-unreachable", 502))
        self.assertIn("http://127.0.0.1:", error.portal_url)
        self.assertEqual(error.problem["title"], error.title)

    def test_a_file_that_is_not_there(self):
        self.assertEqual(self.raises(unpad.NotFound, "save", self.file("none.csv"), self.folder / "x").status, 404)
        self.assertEqual(os.listdir(self.folder), [])

    def test_an_answer_that_is_no_json(self):
        error = self.raises(unpad.BrokenAnswer, "read_json", self.file("broken.json"))
        self.assertIn("begins with '{\"a\": [1, 2'", error.detail)

    def test_a_reference_that_is_none(self):
        for reference in ("", "  ", 5, None, {"name": "x"}):
            self.raises(unpad.InvalidReference, "read_json", reference)
        self.assertIn("names no dataset", str(self.raises(unpad.InvalidReference, "resources", "faulty")))
        self.assertIn("not a CKAN portal", str(self.raises(unpad.InvalidReference, "table", "simple", "x")))

    def test_no_gateway(self):
        with Liar(lambda path: (500, {}, b"")) as liar:
            pass
        unpad.use(liar.url)
        error = self.raises(unpad.GatewayUnreachable, "read_json", "demo")
        self.assertIn(f"The gateway at {liar.url} does not answer", str(error))
        self.assertIn("unpad.use(…)", str(error))
        self.assertIn("UNPAD_GATEWAY", error.advice)
        self.assertNotIn("During handling", "".join(traceback.format_exception(type(error), error, error.__traceback__)))

    def test_something_else_in_place_of_the_gateway(self):
        page = b"<html>404</html>"
        with Liar(lambda path: (404, {"Content-Type": "text/html", "Content-Length": str(len(page))}, page)):
            self.assertIn("is not a gateway", str(self.raises(unpad.GatewayUnreachable, "read_json", "demo")))

    def test_a_gateway_that_is_silent(self):
        import threading
        release = threading.Event()
        with Liar(lambda path: release.wait(20) and (200, {}, b"")) as liar:
            unpad.use(liar.url, timeout=0.2)
            self.assertIn("timed out", str(self.raises(unpad.GatewayUnreachable, "read_json", "demo")))
            release.set()

    def test_proxies_are_not_asked_for_a_gateway_on_this_machine(self):
        with mock.patch.dict(os.environ, {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}):
            self.assertEqual(self.call("read_json", self.file("text.json")), "tram")

    def test_a_problem_while_writing_leaves_nothing(self):
        with mock.patch("os.replace", side_effect=OSError("disk full")):
            self.raises(OSError, "save", self.file("text.json"), self.folder / "x.json")
        self.assertEqual(os.listdir(self.folder), [])


class Gateways(Case):
    def test_use_refuses_what_is_no_gateway(self):
        for url in ("", "demo", "file:///x", "//host"):
            with self.assertRaises(unpad.InvalidReference):
                unpad.use(url)
        unpad.use("https://host/unpad/")
        self.assertEqual(unpad.gateway(), "https://host/unpad")
        for url in ("https://host/unpad/p/demo", "https://host/unpad/p/demo/api/3?x"):
            unpad.use(url)
            self.assertEqual(unpad.gateway(), "https://host/unpad")
        unpad.use("https://host/p/")
        self.assertEqual(unpad.gateway(), "https://host/p")

    def test_letters_and_spaces_in_urls_are_encoded(self):
        with Liar(lambda path: (200, {"Content-Length": "2"}, b"[]")) as liar:
            unpad.sync.read_json(f"{liar.url}/p/x/Camí nou?q=%20é#top")
        self.assertEqual(liar.asked[0][0], "/p/x/Cam%C3%AD%20nou?q=%20%C3%A9")

    def test_redirections_lead_only_to_the_web(self):
        with Liar(lambda path: (302, {"Location": "ftp://127.0.0.1/x", "Content-Length": "0"}, b"")) as liar:
            self.assertIn("302", str(self.raises(unpad.PortalError, "save", f"{liar.url}/p/x/y", self.folder / "x")))
        self.assertEqual(os.listdir(self.folder), [])

    def test_redirections_within_the_web_are_followed(self):
        with Liar(lambda path: (302, {"Location": "/p/x/z", "Content-Length": "0"}, b"") if path == "/p/x/y" else
                  (200, {"Content-Length": "2"}, b"[]")) as liar:
            self.assertEqual(self.call("read_json", f"{liar.url}/p/x/y"), [])

    def test_a_portal_named_by_its_own_host_is_resolved_by_the_gateway(self):
        unpad.use(DEMO)
        self.assertEqual(unpad.sync.resolve("demo")["kind"], "portal")

    def test_the_sources_run_on_python_3_9(self):
        import ast
        for path in pathlib.Path(unpad.__file__).parent.rglob("*.py"):
            ast.parse(path.read_text("utf-8"), feature_version=(3, 9))


if __name__ == "__main__":
    unittest.main()
