"""Gateways for SMS as data: what a description may say, and reading one with errors that name the line. Pure.

A description is a TOML file: `fields` of the account form, `send`, and where the gateway can do it `poll` (what became of
messages), `find` (is there one with our own id), `balance`, `hook` (its calls to us). A practice may have files of its
own in DIR/gateways. `docs/en/sms-gateways.md` explains each word; the files in `services/messaging/gateways` are examples.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from praxisd.services.messaging.channel import Abilities, ReportState
from praxisd.services.messaging.channels.fill import all_texts, gaps

Method = Literal["GET", "POST", "PUT", "DELETE"]
_TAKEN = frozenset({"now", "hook", "sender", "to", "to_digits", "text", "id"})
_SEND = frozenset({*_TAKEN, "useless_after", "valid_minutes", "valid_seconds"})
_FIND = frozenset({"id", "to", "to_digits", "now", "since", "since_date", "since_time", "page", "offset"})
_POLL = frozenset({"receipt", "receipts", "id", "to", "to_digits", "now"})
_SIGNED = frozenset({"body", "body_md5", "url"})
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
CODES = frozenset(
    {
        "gateway_busy",
        "number_busy",
        "gateway_credentials",
        "gateway_no_credits",
        "gateway_refused",
        "gateway_rejected",
        "number_rejected",
        "sender_rejected",
        "too_late",
    }
)


class GatewayFault(ValueError):
    """A description is wrong; `line` counts from 1 (0: the file as a whole)."""

    def __init__(self, file: str, line: int, said: str) -> None:
        super().__init__(f"{file}:{line}: {said}" if line else f"{file}: {said}")
        self.file = file
        self.line = line
        self.said = said


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a description: no word that is not known."""


class GatewayField(Strict, frozen=True, kw_only=True):
    """One field of the account form. `choices`: nothing else may be chosen."""

    key: str
    secret: bool = False
    needed: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()


class Sender(Strict, frozen=True, kw_only=True):
    """How long a sender may be: as a name, as a number. 0: not allowed."""

    letters: int = 11
    digits: int = 16


class Request(Strict, frozen=True, kw_only=True):
    """One call of the gateway. `json` is a tree of texts with gaps, `form` and `query` are flat."""

    url: str
    method: Method = "POST"
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None


class AnswerRule(Strict, frozen=True, kw_only=True):
    """What an answer means: the first rule that fits decides. `status` empty: any.

    `code` is the word after `messaging.`; `receipt`, `parts`, `detail` are paths. A `receipt` of `=id` says that the gateway
    knows the message by our own id. An `accepted` whose receipt is missing counts as lost.
    """

    means: Literal["accepted", "refused", "lost"]
    status: tuple[int, ...] = ()
    when: dict[str, str] = {}
    code: str = ""
    permanent: bool = False
    wait_s: int | None = None
    receipt: str = ""
    parts: str = ""
    detail: str = ""


class Send(Request, frozen=True, kw_only=True):
    """Handing one message over. `least_minutes`, `most_minutes`: bounds of the time of validity."""

    answers: tuple[AnswerRule, ...]
    least_minutes: int = 1
    most_minutes: int = 2880


class Poll(Request, frozen=True, kw_only=True):
    """Asking what became of messages, up to `batch` at once, joined with `join`; `when` tells a good answer.

    An entry that fits `failed` is one of a message that failed, whatever its state says.
    """

    batch: int = 1
    join: str = ","
    when: dict[str, str] = {}
    items: str = ""
    receipt: str = ""
    id: str = ""
    state: str
    failed: dict[str, str] = {}
    at: str = ""
    detail: str = ""


class Find(Request, frozen=True, kw_only=True):
    """Looking for a message by our own id. `mark`: where it stands in an entry; `present`: what else must hold.

    Absent is only said when `absent` is true, entries do show ids of ours, `settles_s` seconds have passed since the message
    was sent (so long the gateway may take to list it), and the list is known to be whole: a page with less than `most`
    entries, an empty one, or one that reaches back (time at `reaches`) before the message. `pages` are looked at at most.
    """

    when: dict[str, str] = {}
    items: str = ""
    mark: str
    present: dict[str, str] = {}
    receipt: str = ""
    state: str = ""
    absent: bool = True
    settles_s: int = 300
    most: int = 0
    pages: int = 1
    reaches: str = ""


class Balance(Request, frozen=True, kw_only=True):
    """Asking for the credits left, a number at `path`."""

    path: str
    when: dict[str, str] = {}


class HookEvent(Strict, frozen=True, kw_only=True):
    """One kind of call: paths into its body (or its query)."""

    kind: Literal["report", "reply", "other"]
    when: dict[str, str] = {}
    receipt: str = ""
    id: str = ""
    state: str = ""
    failed: dict[str, str] = {}
    at: str = ""
    detail: str = ""
    sender: str = ""
    text: str = ""
    mark: str = ""


class Hook(Strict, frozen=True, kw_only=True):
    """The gateway's calls to us. `signature` token: a secret in the address; hmac: hex HMAC-SHA256 of `signed`.

    Gaps of `signed`: body, body_md5, url, and names of headers in lower case. `time` names a header with epoch seconds that
    may differ from our clock by `oldest_s`. `key` given: the gateway hands it out; made: we make it.
    """

    signature: Literal["token", "hmac"]
    key: Literal["made", "given"] = "made"
    source: Literal["json", "query"] = "json"
    header: str = ""
    signed: str = "{body}"
    time: str = ""
    oldest_s: int = 300
    events: tuple[HookEvent, ...]


class Description(Strict, frozen=True, kw_only=True):
    """A gateway. `zone` is meant where it tells times without one. `states`: its words for the states of a message."""

    title: str
    channel: Literal["sms"] = "sms"
    site: str = ""
    zone: str = "UTC"
    fields: tuple[GatewayField, ...]
    sender: Sender = Sender()
    states: dict[str, ReportState] = {}
    send: Send
    poll: Poll | None = None
    find: Find | None = None
    balance: Balance | None = None
    hook: Hook | None = None
    name: str = ""

    @property
    def abilities(self) -> Abilities:
        """What an account can do beyond sending."""
        return Abilities(
            finds=self.find is not None,
            reports=self.poll is not None,
            hooks=self.hook is not None,
            balance=self.balance is not None,
        )


def parse(name: str, text: str) -> Description:
    """The description in `text`; GatewayFault with file and line if anything in it is wrong."""
    file = f"{name}.toml"
    if not _NAME.fullmatch(name):
        raise GatewayFault(file, 0, "the file's name: small letters, digits and - only")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise GatewayFault(file, int(found[1]) if found else 0, str(error)) from None
    if "name" in tree:
        raise GatewayFault(file, line_of(text, ("name",)), "name: the file's name is the gateway's")
    try:
        made = msgspec.convert({**tree, "name": name}, Description, strict=True)
    except msgspec.ValidationError as error:
        said, path = _place(str(error))
        raise GatewayFault(file, _line_of_value(text, line_of(text, path), str(error)), said) from None
    for path, said in _wrong(made):
        raise GatewayFault(file, line_of(text, path), f"{'.'.join(map(str, path))}: {said}")
    return made


def _place(said: str) -> tuple[str, tuple[str | int, ...]]:
    """msgspec's sentence cut into what is wrong and the path to it."""
    what, _, where = said.partition(" - at `$")
    steps = re.findall(r"\.([A-Za-z_0-9]+)|\[(\d+)\]", where)
    path: list[str | int] = [name or int(number) for name, number in steps]
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if unknown:
        path.append(unknown[1])
    return f"{'.'.join(map(str, path)) or 'file'}: {what}", tuple(path)


def _line_of_value(text: str, line: int, said: str) -> int:
    """Where the wrong value of a table stands: msgspec names it there instead of its key."""
    value = re.search(r"Invalid enum value '([^']+)' - at `[^`]*\[\.\.\.\]`", said)
    rest = text.splitlines()[max(0, line - 1) :]
    return next((line + n for n, one in enumerate(rest) if value and f'"{value[1]}"' in one), line)


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """The line on which the path, or the longest known beginning of it, stands; 0 if none of it does."""
    known: dict[tuple[str | int, ...], int] = {}
    arrays: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"-]+)\s*\]", line)
        if head:
            names = [name.strip('"') for name in head[2].split(".")]
            table = ()
            for depth, name in enumerate(names):
                table = (*table, name)
                if head[1] == "[[" and depth == len(names) - 1:
                    arrays[table] = arrays.get(table, -1) + 1
                if table in arrays:
                    known.setdefault(table, number)
                    table = (*table, arrays[table])
            known.setdefault(table, number)
            continue
        key = re.match(r"\s*([A-Za-z0-9_.\"-]+)\s*=", line)
        if key:
            full = (*table, *(name.strip('"') for name in key[1].split(".")))
            known.setdefault(full, number)
            for name in re.findall(r"[{,]\s*\"?([A-Za-z0-9_-]+)\"?\s*=", line):
                known.setdefault((*full, name), number)
    while path:
        if path in known:
            return known[path]
        path = path[:-1]
    return 0


Wrong = tuple[tuple[str | int, ...], str]


def _wrong(made: Description) -> Iterator[Wrong]:
    """What the types cannot say: gaps that nothing fills, rules without what they need."""
    keys = [one.key for one in made.fields]
    for number, one in enumerate(made.fields):
        place = ("fields", number, "key")
        if not _KEY.fullmatch(one.key):
            yield place, "small letters, digits and _ only"
        if one.key in _SEND | _FIND | _POLL | _SIGNED:
            yield place, "this name has a meaning already"
        if keys.index(one.key) != number:
            yield place, "given twice"
        if one.choices and one.default not in one.choices:
            yield ("fields", number, "default"), "not one of the choices"
    calls: Mapping[str, tuple[Request | None, frozenset[str]]] = {
        "send": (made.send, _SEND),
        "poll": (made.poll, _POLL),
        "find": (made.find, _FIND),
        "balance": (made.balance, frozenset({"now"})),
    }
    for part, (call, names) in calls.items():
        if call is not None:
            yield from _wrong_call(part, call, names | set(keys))
    yield from _wrong_rules(made)
    if made.hook is not None:
        yield from _wrong_hook(made.hook)


def _wrong_call(part: str, call: Request, names: frozenset[str]) -> Iterator[Wrong]:
    if call.json is not None and call.form is not None:
        yield (part, "form"), "either json or form"
    if not call.url.startswith(("https://", "http://127.0.0.1", "{")):
        yield (part, "url"), "an https address, or one that begins with a field"
    for word in ("url", "headers", "query", "json", "form"):
        for text in all_texts(getattr(call, word)):
            try:
                strange = [name for name in gaps(text) if name not in names]
            except ValueError as error:
                yield (part, word), str(error)
                continue
            if strange:
                yield (part, word), f"nothing fills {{{strange[0]}}}"


def _wrong_rules(made: Description) -> Iterator[Wrong]:
    if not any(rule.means == "accepted" for rule in made.send.answers):
        yield ("send",), "no answer means accepted"
    for number, rule in enumerate(made.send.answers):
        place = ("send", "answers", number)
        if rule.means == "accepted" and not rule.receipt:
            yield (*place, "means"), "accepted needs a receipt"
        if (rule.means == "refused") != bool(rule.code):
            yield (*place, "code"), "refused, and only that, needs a code"
        if rule.code and rule.code not in CODES:
            yield (*place, "code"), f"one of {', '.join(sorted(CODES))}"
    if made.poll is not None and not (made.poll.receipt or made.poll.id or made.poll.batch == 1):
        yield ("poll", "batch"), "more than one at once needs a receipt or id in each entry"
    if made.poll is not None and not made.states:
        yield ("poll", "state"), "no [states] that say what it means"


def _wrong_hook(hook: Hook) -> Iterator[Wrong]:
    if hook.signature == "hmac" and not hook.header:
        yield ("hook", "signature"), "hmac needs the header that carries it"
    try:
        gaps(hook.signed)
    except ValueError as error:
        yield ("hook", "signed"), str(error)
    for number, event in enumerate(hook.events):
        place = ("hook", "events", number, "kind")
        if event.kind == "report" and not ((event.receipt or event.id) and event.state):
            yield place, "a report needs state, and receipt or id"
        if event.kind == "reply" and not (event.sender and event.text):
            yield place, "a reply needs sender and text"
