"""What a person meant by the folder of a practice software. Pure."""

_SEPARATORS = "\\/"


def _parts(path: str) -> list[str]:
    return [one.casefold() for one in path.replace("/", "\\").split("\\") if one]


def top_folder(given: str, data_path: str) -> str:
    """The top folder of a practice software (`C:\\DConcept`), where its data folder (`C:\\DConcept\\DeData`) may be given.

    `data_path` is the data folder below the top one (`DeData`; "" where they are the same). Case and kind of slash do not
    matter; separators at the end go, but that of a drive stays (`C:\\`, `/`).
    """
    path = given.strip()
    tail = _parts(data_path)
    if tail and len(_parts(path)) > len(tail) and _parts(path)[-len(tail) :] == tail:
        for _ in tail:
            path = path.rstrip(_SEPARATORS)
            cut = max(path.rfind(one) for one in _SEPARATORS)
            path = path[: cut + 1]
    bare = path.rstrip(_SEPARATORS + " ")
    return path if not bare or bare.endswith(":") else bare
