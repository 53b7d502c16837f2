"""What the client raises, as a clause of one line."""

from __future__ import annotations

import re
import sys
from urllib.parse import urlsplit

__all__ = ["Refused", "refusal"]


class Refused(Exception):
    """What the client was asked for is not to be had."""

    def __init__(self, reason: str, offline: bool = False) -> None:
        super().__init__(" ".join(reason.split()))
        self.offline = offline
        """There was no connection; another machine may have one."""


def refusal(error: Exception, url: str, patience: float) -> Refused:
    """Why the client failed.

    Parameters
    ----------
    error
        What it raised.
    url
        The address of the server.
    patience
        The time limit in seconds.
    """
    if "openml" not in sys.modules:
        return Refused(f"OpenML's client does not start: {error}")
    import requests
    import urllib3
    from openml.exceptions import OpenMLHashException, OpenMLServerError, OpenMLServerException

    if isinstance(error, requests.RequestException):
        host = urlsplit(str(error.request.url) if error.request is not None else url).netloc
        inner = error.args[0] if error.args else None
        if isinstance(error, requests.ReadTimeout) or isinstance(inner, urllib3.exceptions.ReadTimeoutError):
            return Refused(f"{host} said nothing for {patience:g} s")
        if isinstance(inner, urllib3.exceptions.ProtocolError):
            return Refused(f"the answer of {host} broke off")
        return Refused(f"there is no connection to {host}", offline=True)
    if isinstance(error, OSError):  # of the disk
        return Refused(str(error))
    if isinstance(error, OpenMLHashException):
        return Refused("the data file that came does not have the checksum that OpenML states")
    if isinstance(error, OpenMLServerException):
        said = error.message.removesuffix(" - None")
        return Refused(f"OpenML answers: {said} (code {error.code})")
    status = re.search(r"Status code: (\d+)", str(error)) if isinstance(error, OpenMLServerError) else None
    if status is not None and status[1] != "200":
        return Refused(f"{urlsplit(url).netloc} failed with status {status[1]}")
    cause = error.__cause__ or error
    return Refused(f"what is there is not as OpenML writes it: {type(cause).__name__}: {str(cause)[:200]}")
