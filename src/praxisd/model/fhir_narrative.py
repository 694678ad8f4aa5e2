"""Narrative (text.div): limited XHTML, checked because it may be shown in a browser (FHIR R4 narrative.html,
txt-1).

Allowed are text, structure, tables, images and links; no scripts, forms, frames, event handlers, and no link
that could run something. The text itself is never changed.
"""

import re
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 100
_ELEMENTS = frozenset(
    {"a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "center"}
    | {"cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "hr", "i"}
    | {"img", "ins", "kbd", "li", "map", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike"}
    | {"strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var"}
    | {"h1", "h2", "h3", "h4", "h5", "h6"}
)
_LINKS = frozenset({"href", "src", "cite", "longdesc", "usemap", "background"})
# No scheme, or one that only shows or fetches. A leading control character would hide a scheme from this
# test.
_SAFE_LINK = re.compile(
    r"(?:https?:|mailto:|tel:|data:image/(?:png|jpeg|gif)[;,]|urn:|[^:\x00-\x20]*(?:[/?#]|\Z))", re.I
)


def narrative_fault(text: str) -> str | None:
    """Why `text` is no acceptable XHTML div; None when it is one."""
    if not text.lstrip().startswith("<"):
        return "narrative must be one XHTML div"
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        space, _, local = name.rpartition(" ")
        if space != XHTML or local not in _ELEMENTS or (depth == 1 and local != "div"):
            raise ValueError("narrative has an element that is not allowed (only basic XHTML inside one div)")
        if depth > MAX_DEPTH:
            raise ValueError("narrative is nested too deeply")
        for attribute, value in attributes.items():
            if attribute.lower().startswith("on"):
                raise ValueError("narrative has an event attribute")
            if attribute in _LINKS and not _SAFE_LINK.match(value.strip()):
                raise ValueError("narrative has a link that is not allowed")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise ValueError("narrative must not declare a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    try:
        parser.Parse(text, True)
    except ValueError as wrong:
        return str(wrong)
    except expat.ExpatError:
        return "narrative is not well-formed XHTML"
    return None
