"""The only door of the first start: what the server says on its own screen once it answers."""

from typing import TYPE_CHECKING

from praxisd.services.setup import codes, first

if TYPE_CHECKING:
    from praxisd.kernel.app import House

__all__ = ["greeting"]

_LANGUAGES = ("de", "en")
_RULE = "-" * 78


def greeting(house: "House", url: str) -> str:
    """Where to go on and the one-time code, in German and English; empty when somebody can sign in already.

    For the server's own screen alone: never the log. What fails here must not keep the server from working.
    """
    try:
        if not first.state(house).needed:
            return ""
        code = codes.at_start(house)
    except Exception as error:
        house.log.error("greeting_failed", where="setup", error=error)
        return ""
    words = {"url": (house.config.public_url or url).rstrip("/") + "/", "folder": house.folder}
    key = "setup.screen.kept" if code is None else "setup.screen.code"
    lines = [house.texts.get(key, lang, **words) for lang in _LANGUAGES]
    shown = [] if code is None else ["", f"    {code}", ""]
    more = (
        [] if code is None else [house.texts.get("setup.screen.more", lang, **words) for lang in _LANGUAGES]
    )
    return "\n".join(["", _RULE, *lines, *shown, *more, _RULE, ""])
