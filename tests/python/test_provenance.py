"""Each result says where it is from, and is what was sent."""

import base64
import copy
import hashlib
import json
import os
import pickle
import unittest
from datetime import datetime, timedelta, timezone

import unpad
from support import FAULTS, Case, Liar, both_ways

CONTENT = b'{"a": 1}'


def digest(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def answering(fields, content=CONTENT, status=200):
    return Liar(lambda path: (status, {"Content-Type": "application/json", "Content-Length": str(len(content)), **fields}, content))


@both_ways
class Provenances(Case):
    gateway = FAULTS

    def test_a_result_says_where_it_is_from(self):
        found = self.call("read_json", self.file("numbers.json")).provenance
        self.assertTrue(found.source.endswith("/files/numbers.json"), found.source)
        self.assertEqual(found.attribution, "Ajuntament de Vilanova del Camí")
        self.assertIn("CC-BY-4.0", found.licence)
        self.assertLess(abs(datetime.now(timezone.utc) - found.retrieved), timedelta(minutes=10))
        self.assertEqual(found.gateway_url, FAULTS)
        self.assertIn("Ajuntament de Vilanova del Camí. Source: http", found.cite())
        self.assertIn(f"Retrieved: {found.retrieved:%Y-%m-%d %H:%M} UTC", found.cite())

    def test_what_the_fields_say_is_read(self):
        fields = {"Date": "Wed, 25 Nov 2026 02:00:10 GMT", "Age": "10", "Cache-Status": 'unpad; fwd=stale; detail=stale-if-error',
                  "Link": '<http://a/x>; rel="help", <https://p.example/a,b>; title="a, \\"b\\""; rel="via up", <https://l.example/>; rel=license',
                  "Unpad-Attribution": '%"Ajuntament %c3%a9"'}
        with answering(fields):
            found = self.call("read_json", f"{unpad.gateway()}/p/x/y").provenance
        self.assertEqual(found.retrieved, datetime(2026, 11, 25, 2, 0, 10, tzinfo=timezone.utc))
        self.assertEqual((found.source, found.licence, found.attribution, found.cache, found.age),
                         ("https://p.example/a,b", "https://l.example/", "Ajuntament é", "stale", 10))

    def test_a_digest_that_does_not_fit_is_an_error_and_nothing_is_written(self):
        target = self.folder / "x.json"
        target.write_text("before")
        with answering({"Content-Digest": digest(b"another")}):
            error = self.raises(unpad.BrokenAnswer, "save", f"{unpad.gateway()}/p/x/y", target)
        self.assertIn(hashlib.sha256(CONTENT).hexdigest(), str(error))
        self.assertEqual((target.read_text(), os.listdir(self.folder)), ("before", ["x.json"]))

    def test_a_digest_that_fits_is_none(self):
        with answering({"Content-Digest": f"sha-512=:AAAA:, {digest(CONTENT)}"}):
            self.assertEqual(self.call("read_json", f"{unpad.gateway()}/p/x/y"), {"a": 1})

    def test_an_answer_that_is_cut_off_is_an_error_and_nothing_is_written(self):
        with answering({"Content-Length": "100"}) as liar:
            error = self.raises(unpad.BrokenAnswer, "save", f"{liar.url}/p/x/y", self.folder / "x")
        self.assertIn("bytes came", error.detail)
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_file_that_breaks_off_at_the_portal_is_not_written(self):
        unpad.use(FAULTS)
        # Where it breaks off before the gateway has written the head of its answer, there is none at all.
        with self.assertRaises((unpad.BrokenAnswer, unpad.GatewayUnreachable)):
            self.call("save", self.file("cut.csv"), self.folder / "x")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_coded_answer_is_decoded_and_its_digest_is_of_what_was_sent(self):
        import gzip
        coded = gzip.compress(CONTENT)
        with answering({"Content-Encoding": "gzip"}, coded):
            found = self.call("read_json", f"{unpad.gateway()}/p/x/y")
        self.assertEqual((found, found.provenance.sha256), ({"a": 1}, hashlib.sha256(CONTENT).hexdigest()))
        with answering({"Content-Encoding": "gzip", "Content-Length": str(len(coded) - 9)}, coded[:-9]):
            self.raises(unpad.BrokenAnswer, "read_json", f"{unpad.gateway()}/p/x/y")
        # Members of any length, one of them empty, and padding, in pieces that end anywhere.
        for parts in ([CONTENT[:3], b"", CONTENT[3:]], [CONTENT, b" " * 300_000]):
            for padding in (b"", b"\0" * 100_000):
                with answering({"Content-Encoding": "gzip"}, b"".join(map(gzip.compress, parts)) + padding):
                    found = self.call("read_json", f"{unpad.gateway()}/p/x/y")
                self.assertEqual((found, found.provenance.sha256), ({"a": 1}, hashlib.sha256(b"".join(parts)).hexdigest()))


class Hostile(Case):
    def test_what_a_portal_says_is_escaped(self):
        with answering({"Link": '<javascript:alert(1)>; rel="via", <x"><script>; rel=license', "Unpad-Attribution": '"<img src=x>"'}):
            shown = unpad.sync.read_json(f"{unpad.gateway()}/p/x/y").provenance._repr_html_()
        self.assertNotIn("<img", shown)
        self.assertNotIn("<script", shown)
        self.assertNotIn('href="javascript', shown)

    def test_fields_that_make_no_sense_are_left_out(self):
        with answering({"Date": "yesterday", "Age": "-1e9", "Cache-Status": ";;=", "Link": "<", "Unpad-Attribution": '%"%c3"',
                        "Content-Digest": "sha-256=:A:"}):
            found = unpad.sync.read_json(f"{unpad.gateway()}/p/x/y").provenance
        self.assertEqual((found.retrieved, found.source, found.attribution, found.age), (None, None, None, 0))
        self.assertEqual(found.cite(), f"Source: {unpad.gateway()}")

    def test_results_can_be_copied_pickled_and_written_as_json(self):
        with answering({"Date": "Wed, 25 Nov 2026 02:00:10 GMT"}):
            found = unpad.sync.read_json(f"{unpad.gateway()}/p/x/y")
        unpad.use(FAULTS)
        for result in (found, unpad.sync.table("faulty", "whole")):
            for again in (copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
                self.assertIs(type(again), type(result))
                self.assertEqual((again, vars(again)), (result, vars(result)))
        self.assertEqual(json.loads(json.dumps(found.provenance))["retrieved"], "2026-11-25T02:00:10+00:00")

    def test_other_things_have_none(self):
        for thing in (None, 1, "a", {}, object()):
            self.assertIsNone(unpad.provenance(thing))


if __name__ == "__main__":
    unittest.main()
