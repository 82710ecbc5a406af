"""Which gateway is asked: the one that was named, or the one that this package was installed from."""

from __future__ import annotations

import importlib.metadata
import ipaddress
import json
import os
import re
from typing import Optional, Tuple
from urllib.parse import urlsplit, urlunsplit

from ._errors import InvalidReference

DEFAULT = "http://127.0.0.1:8080"
_named: Optional[str] = None
#: Seconds without any sign of life after which a request is given up.
silence: float = 90.0


def use(gateway_url: str, *, timeout: Optional[float] = None) -> None:
    """Ask the gateway at this URL (or of this link of it) from now on. `timeout` is how many seconds it may be
    silent, 90 at first."""
    global _named, silence
    _named = _clean(gateway_url, "unpad.use")
    if timeout is not None:
        if not timeout > 0:
            raise ValueError("timeout has to be more than 0 seconds")
        silence = float(timeout)


def gateway() -> str:
    """The URL of the gateway that is asked, without a slash at its end."""
    return find()[0]


def find() -> Tuple[str, str]:
    """The gateway's URL, and a sentence that says why it is this one."""
    if _named:
        return _named, "It was named with unpad.use(…)."
    if os.environ.get("UNPAD_GATEWAY"):
        return _clean(os.environ["UNPAD_GATEWAY"], "UNPAD_GATEWAY"), "It is named by the environment's UNPAD_GATEWAY."
    installed = _installed_from()
    if installed:
        return installed, "It is where this package was installed from."
    return DEFAULT, "It is the default, because nothing names another."


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def below(url: str) -> Optional[str]:
    """What stands behind the gateway's URL in this one, such as `/p/demo/api`; None if it is elsewhere."""
    base = gateway()
    return url[len(base):] if url.startswith(base + "/") else None


def _clean(url: str, where: str) -> str:
    parts = urlsplit(str(url).strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidReference(f"{where} needs the URL of a gateway", f"{url!r} is not one.",
                               f'It looks like "{DEFAULT}" or "https://gateway.example".')
    # What is copied from a link of the gateway has a portal behind it.
    path = re.sub(r"/p/[^/].*", "", parts.path, flags=re.DOTALL)
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", ""))


def _installed_from() -> Optional[str]:
    try:
        distribution = importlib.metadata.distribution("unpad")
        # What pip (PEP 610) and micropip note down.
        direct = distribution.read_text("direct_url.json")
        url = urlsplit(str(json.loads(direct)["url"] if direct else distribution.read_text("PYODIDE_URL") or "").strip())
        before, found, wheel = url.path.rpartition("/client/")
        if found and wheel.endswith(".whl"):
            return _clean(f"{url.scheme}://{url.netloc}{before}", "The package")
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError, KeyError, TypeError, InvalidReference):
        pass
    return None
