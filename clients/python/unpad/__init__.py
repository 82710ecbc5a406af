"""Open data in one line, by way of an unpad gateway, in JupyterLite, Pyodide and CPython.

    import unpad
    unpad.use("http://127.0.0.1:8080")                  # not needed if it was installed from there
    rows = await unpad.read_csv("https://portal.example/dataset/trees")
    await unpad.save("demo/dataset/trees", "data/trees.json")

A reference is a link of the portal as it is copied from its web pages (of a dataset, a resource, a download or
its API), a path behind a portal's id, or an entry of `datasets` or `resources`. In a program without an event
loop, `unpad.sync` has the same verbs without `await`. Each result says where it is from: `unpad.provenance`.
"""

from ._errors import BrokenAnswer, GatewayUnreachable, InvalidReference, NotFound, PortalError, UnpadError
from ._gateway import gateway, use
from ._listings import datasets, portals, resources
from ._provenance import Provenance, provenance
from ._reading import read_csv, read_json, save
from ._references import resolve
from ._table import table
from ._values import Listing, Rows, Saved, Table
from . import sync

__all__ = ["read_json", "read_csv", "save", "datasets", "resources", "table", "portals", "resolve", "use", "gateway",
           "provenance", "sync", "Provenance", "Rows", "Table", "Listing", "Saved", "UnpadError", "BrokenAnswer",
           "GatewayUnreachable", "InvalidReference", "NotFound", "PortalError"]
