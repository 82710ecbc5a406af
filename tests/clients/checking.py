"""How the clients' checks are written and run: a function for each, what it returns is told."""

import time

CHECKS = []


class Failed(Exception):
    """What a client got instead."""


def check(title):
    def add(function):
        CHECKS.append((title, function))
        return function
    return add


def expect(what, found, wanted):
    if found != wanted:
        raise Failed(f"{what} is {found!r:.300}, not {wanted!r:.300}")


def raised(kind, call, *arguments, **named):
    """What a call raises, which has to be of that kind."""
    try:
        found = call(*arguments, **named)
    except kind as error:
        return error
    raise Failed(f"{kind.__name__} was not raised; the client got {found!r:.200}")


def main():
    started, failed = time.monotonic(), 0
    for title, function in CHECKS:
        try:
            said = "ok     ", function()
        except Exception as error:  # whatever it is, it is what the client said
            said = "FAILED ", str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            failed += 1
        print(said[0], f"{title}:", " ".join(str(said[1]).split())[:400], flush=True)
    print(f"Clients of Python: {len(CHECKS) - failed} of {len(CHECKS)} checks passed in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0
