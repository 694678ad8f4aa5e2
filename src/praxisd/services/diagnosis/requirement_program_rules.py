"""Whether the programs of a computer are what a product needs: system, Word, .NET, SQL Server, names and rights. Pure."""

import re
from collections.abc import Iterable
from typing import Any

from praxisd.model import requirement as needs
from praxisd.model.machine import Fact, MachineFacts
from praxisd.services.diagnosis.requirement_name_rules import name_faults
from praxisd.services.diagnosis.requirement_verdict import (
    Judge,
    Place,
    Said,
    Verdict,
    decided,
    named,
    text,
    undetermined,
    version_of,
    yes,
)


def _remote(_one: needs.RemoteAccess, facts: MachineFacts, _: Place) -> Verdict:
    return yes(facts.remote_access, "remote_access")


def _os(one: needs.Os, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("one_of", {"names": ", ".join(one.names)})
    name, edition = facts.os.name.value, facts.os.edition.value
    if name is None:
        return undetermined(wanted, facts.os.name.why)
    words = name if not edition or edition.lower() in name.lower() else f"{name} {edition}"
    measured = Said("named", {"name": words})
    if not any(named(name, one_name) for one_name in one.names):
        return Verdict("not_fulfilled", wanted, measured)
    refused = [] if any(named(name, n) for n in one.but_with) else list(one.not_editions)
    if not (refused or one.editions):
        return Verdict("fulfilled", wanted, measured)
    if edition is None:
        return undetermined(wanted, facts.os.edition.why, measured)
    if one.editions and not any(_edition(edition, e) for e in one.editions):
        return Verdict("not_fulfilled", wanted, measured)
    return decided(not any(_edition(edition, e) for e in refused), wanted, measured)


def _edition(have: str, named: str) -> bool:
    """ "Home Single Language" is a "Home"; "Essentials" the source's "Essential"."""
    return have.lower().startswith(named.lower())


def _bits(one: needs.Bits, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("bits", {"number": one.is_})
    if facts.os.bits.value is None:
        return undetermined(wanted, facts.os.bits.why)
    return decided(facts.os.bits.value == one.is_, wanted, Said("bits", {"number": facts.os.bits.value}))


def _office(one: needs.Office, facts: MachineFacts, _: Place) -> Verdict:
    names = ", ".join(one.names)
    wanted = Said("one_of", {"names": names})
    if one.bits is not None:
        wanted = Said("one_of_bits", {"names": names, "number": one.bits})
    if facts.office.value is None:
        return undetermined(wanted, facts.office.why)
    if not facts.office.value:
        return Verdict("not_fulfilled", wanted, Said("absent"))
    listed = [o for o in facts.office.value if any(named(o.name, n) for n in one.names)]
    shown = (listed or list(facts.office.value))[0]
    bits = shown.bits.value
    measured = Said("named", {"name": shown.name})
    if bits is not None:
        measured = Said("named_bits", {"name": shown.name, "number": bits})
    if not listed or one.bits is None:
        return decided(bool(listed), wanted, measured)
    if any(o.bits.value == one.bits for o in listed):
        return Verdict("fulfilled", wanted, measured)
    unclear = next((o.bits.why for o in listed if not o.bits.known), None)
    return undetermined(wanted, unclear, measured) if unclear else Verdict("not_fulfilled", wanted, measured)


def _pdf(_one: needs.PdfReader, facts: MachineFacts, _: Place) -> Verdict:
    return text(facts.pdf_reader, Said("pdf_reader"))


def _domain(_one: needs.Domain, facts: MachineFacts, _: Place) -> Verdict:
    return text(facts.domain, Said("domain"))


def _dotnet(one: needs.Dotnet, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("least_version", {"version": one.least})
    if one.family == "framework":
        fact: Fact[Any] = facts.dotnet
        versions: Iterable[str] = [fact.value] if fact.value else []
    else:
        fact = facts.dotnet_runtimes
        versions = fact.value or ()
    if fact.value is None:
        return undetermined(wanted, fact.why)
    best = max(versions, key=version_of, default=None)
    if best is None:
        return Verdict("not_fulfilled", wanted, Said("absent"))
    return decided(version_of(best) >= version_of(one.least), wanted, Said("version", {"version": best}))


def _sql(one: needs.SqlServer, facts: MachineFacts, place: Place) -> Verdict:
    wanted = Said("one_of", {"names": ", ".join(one.names)})
    if not one.names:
        wanted = Said("least_year", {"year": str(one.least)})
    if not place.data_here:
        return undetermined(wanted, "other_host")
    if facts.sql.value is None:
        return undetermined(wanted, facts.sql.why)
    if not facts.sql.value:
        return Verdict("not_fulfilled", wanted, Said("absent"))
    years = [s.release for s in facts.sql.value]
    good = [y.value for y in years if y.value is not None and _release(y.value, one)]
    if good:
        return Verdict("fulfilled", wanted, Said("sql", {"release": good[0]}))
    unclear = next((y.why for y in years if not y.known), None)
    if unclear is not None:
        return undetermined(wanted, unclear)
    return Verdict("not_fulfilled", wanted, Said("sql", {"release": years[0].value}))


def _release(release: str, one: needs.SqlServer) -> bool:
    year = re.match(r"\d{4}", release)
    late = one.least is not None and year is not None and int(year.group()) >= one.least
    return late or any(named(f"SQL Server {release}", name) for name in one.names)


def _name(one: needs.ComputerName, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("computer_name", {"number": one.max})
    name = facts.computer_name
    if name.value is None:
        return undetermined(wanted, name.why)
    return decided(not name_faults(name.value, one.max), wanted, Said("named", {"name": name.value}))


def _delete(one: needs.DeleteRight, facts: MachineFacts, place: Place) -> Verdict:
    wanted = Said("delete_right", {"folder": one.folder})
    if facts.rights.value is None:
        return undetermined(wanted, facts.rights.why)
    if not place.data_folder:
        return undetermined(wanted, "no_data_folder")
    path = delete_folder(place.data_folder, one.folder)
    found = next((r for r in facts.rights.value if r.folder.lower() == path.lower()), None)
    if found is None or found.granted.value is None:
        return undetermined(wanted, "not_asked" if found is None else found.granted.why)
    return decided(found.granted.value, wanted, Said("right" if found.granted.value else "no_right"))


def delete_folder(top: str, folder: str) -> str:
    """The folder below the product's top folder, written as that is."""
    slash = "/" if "/" in top else "\\"
    return top.rstrip("/\\") + slash + folder.replace("\\", slash).strip("/\\")


def _language(one: needs.Language, facts: MachineFacts, _: Place) -> Verdict:
    wanted = Said("language", {"name": one.is_})
    word = facts.os.language
    if word.value is None:
        return undetermined(wanted, word.why)
    return decided(word.value.lower().startswith(one.is_), wanted, Said("named", {"name": word.value}))


JUDGES: dict[type, Judge] = {
    needs.Os: _os,
    needs.Bits: _bits,
    needs.Language: _language,
    needs.Office: _office,
    needs.PdfReader: _pdf,
    needs.Dotnet: _dotnet,
    needs.SqlServer: _sql,
    needs.RemoteAccess: _remote,
    needs.ComputerName: _name,
    needs.DeleteRight: _delete,
    needs.Domain: _domain,
}
