"""Speaking to 116117: FHIR R4 as XML, always by POST, page after page; what its answers mean.

- A search is `POST <Type>/_search` with the parameters in the body. The `next` link of a page is never called: its
  parameters are posted to the same address (so no token can follow a link elsewhere).
- 200 without entries is an ordinary answer. 401 throws the token away and logs in once more.
- Every failure becomes a Problem with a code of `portal.CODES`; `detail` is at most the service's own error code.
"""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from praxisd.kernel.errors import Problem
from praxisd.kernel.http import HttpAnswer
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import Part, bundle_parts, parse_xml
from praxisd.services.portals import portal
from praxisd.services.portals.portals.talking import Talk, is_page, wrong
from praxisd.services.portals.portals.tvs_tickets import Tickets

XML = "application/xml"
FORM = "application/x-www-form-urlencoded"
ACCEPT = "application/fhir+xml, application/xml"
PAGES_MOST = 500
Pairs = Sequence[tuple[str, str]]
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_BY_ISSUE = {
    "login": portal.KEY_REFUSED,
    "expired": portal.KEY_REFUSED,
    "forbidden": portal.KEY_REFUSED,
    "security": portal.KEY_REFUSED,
    "throttled": portal.TOO_OFTEN,
    "transient": portal.FAILING,
    "timeout": portal.FAILING,
    "exception": portal.FAILING,
    "lock-error": portal.FAILING,
    "no-store": portal.FAILING,
}
"""What an OperationOutcome's issue type says more exactly than the HTTP status beside it."""
_REACHED = (portal.ANSWER_LOST, portal.FAILING, portal.TOO_OFTEN)
_ANY = range(300, 600)


def ask(talk: Talk, method: str, url: str, **more: Any) -> HttpAnswer:
    """One request; Problem if it does not come through, or meets a server that fails or wants to be left alone."""
    answer = talk.ask(method, url, ok=_ANY, **more)
    if answer.status >= 500 or answer.status == 429:
        raise talk.refusal(answer)
    return answer


class Client:
    """The service at one address, as one practice."""

    def __init__(self, address: str, talk: Talk, tickets: Tickets, form_search: bool = False) -> None:
        self._address = address.rstrip("/")
        self._talk = talk
        self._tickets = tickets
        self._form_search = form_search
        self.reached = False
        """Whether anything but a refused token may have been answered; whoever wants to know sets it back."""

    def search(self, kind: str, wanted: Pairs) -> tuple[dict[str, Any], ...]:
        """All resources that a search finds, of all pages, each once (the last page that has it counts).

        Entries that cannot be read are left out, unless nothing but such came: `portals.answer_unreadable`.
        """
        found: dict[str, dict[str, Any]] = {}
        spoiled = 0
        asked = list(wanted)
        seen: set[tuple[tuple[str, str], ...]] = set()
        while len(seen) < PAGES_MOST:
            seen.add(tuple(asked))
            body, media = (urlencode(asked).encode(), FORM) if self._form_search else (parameters(asked), XML)
            answer = self._post(f"/{kind}/_search", body, media)
            page = _bundle(answer.body, "searchset")
            for number, part in enumerate(page.parts):
                if isinstance(part.resource, dict):
                    resource = part.resource
                    name = f"{resource['resourceType']}/{resource.get('id') or f'{len(seen)}.{number}'}"
                    found.pop(name, None)
                    found[name] = resource
                elif part.resource is not None:
                    spoiled += 1
            following = page.links.get("next")
            if not following:
                if spoiled and not found:
                    raise wrong(portal.ANSWER_UNREADABLE)
                return tuple(one for one in found.values() if one["resourceType"] != "OperationOutcome")
            more = parse_qsl(urlsplit(following).query, keep_blank_values=True)
            names = {name for name, _ in more}
            asked = [(name, value) for name, value in wanted if name not in names] + more
            if not more or tuple(asked) in seen:
                break
        raise wrong(portal.ANSWER_UNREADABLE)

    def batch(self, path: str, entries: Sequence[dict[str, Any]], before: float | None) -> tuple[Part, ...]:
        """Hand over a batch; one answer per entry, in their order. Each entry has an `id`, which must come back with it.

        `portals.answer_unreadable` if the answers cannot be told apart: then nobody knows what was done.
        """
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}
        answer = self._post(path, to_xml(bundle), XML, before)
        page = _bundle(answer.body, "batch-response")
        if [part.id for part in page.parts] != [one["id"] for one in entries]:
            raise wrong(portal.ANSWER_UNREADABLE)
        return page.parts

    def operate(self, path: str, given: dict[str, Any], before: float | None) -> None:
        """Call an operation that answers nothing if all is well. A page made for people says that nothing was done, or that
        nobody knows: `portals.answer_unreadable`.
        """
        if is_page(self._post(path, to_xml(given), XML, before)):
            raise wrong(portal.ANSWER_UNREADABLE)

    def _post(self, path: str, body: bytes, media: str, before: float | None = None) -> HttpAnswer:
        """Post, with a new token if the one at hand is not good any more. The answer is one of the 2xx."""
        for _ in range(2):
            token = self._tickets.token()
            headers = {
                "Accept": ACCEPT,
                "Authorization": f"Bearer {token}",
                "Content-Type": f"{media}; charset=UTF-8",
            }
            try:
                answer = ask(
                    self._talk, "POST", self._address + path, headers=headers, body=body, before=before
                )
            except Problem as problem:
                self.reached = self.reached or problem.code in _REACHED
                raise
            if answer.status != 401:
                break
            self._tickets.discard(token)
        self.reached = self.reached or answer.status != 401
        if not 200 <= answer.status < 300:
            raise self._meaning(answer)
        return answer

    def _meaning(self, answer: HttpAnswer) -> Problem:
        """What an answer that is no success says; the issue of an OperationOutcome is more exact than the status."""
        found = _issue(answer.body)
        code = _BY_ISSUE.get(found.get("code", ""))
        problem = wrong(code) if code and answer.status != 401 else self._talk.refusal(answer)
        problem.detail = _coded(found)
        return problem


def _coded(issue: dict[str, Any]) -> str | None:
    """The service's own error code (`details.coding.code`); never one of its texts."""
    for coding in issue.get("details", {}).get("coding", ()):
        code = coding.get("code")
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return None


def _issue(body: bytes) -> dict[str, Any]:
    """The first issue of an OperationOutcome; empty if it is none."""
    try:
        found: dict[str, Any] = parse_xml(body, "OperationOutcome")["issue"][0]
    except (FhirError, LookupError):
        return {}
    return found


def _bundle(body: bytes, kind: str) -> Any:
    try:
        found = bundle_parts(body)
    except FhirError:
        found = None
    if found is None or found.type != kind:
        raise wrong(portal.ANSWER_UNREADABLE)
    return found


def parameters(pairs: Pairs) -> bytes:
    """Search parameters as a FHIR Parameters resource in XML."""
    listed = [{"name": name, "valueString": value} for name, value in pairs]
    found: dict[str, Any] = {"resourceType": "Parameters"}
    return to_xml(found | ({"parameter": listed} if listed else {}))
