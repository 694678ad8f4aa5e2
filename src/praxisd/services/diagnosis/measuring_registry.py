"""What the registry of Windows tells, read into facts. Pure: every function takes values that were read before.

Keys and values after Microsoft's documentation ("How to determine which .NET Framework versions are installed", "SQL Server
registry locations", "Windows 11 release information").
"""

import locale
import re
from collections.abc import Mapping, Sequence
from typing import Any

from praxisd.model.machine import Office, SqlInstance, SystemFacts, known, unknown
from praxisd.services.diagnosis.measuring_probe import Undetermined, attempt

Values = Mapping[str, Any]
_EDITIONS = {
    "core": "Home", "corecountryspecific": "Home", "coresinglelanguage": "Home Single Language", "coren": "Home N",
    "professional": "Pro", "professionaln": "Pro N", "professionalworkstation": "Pro for Workstations",
    "professionaleducation": "Pro Education", "enterprise": "Enterprise", "enterprises": "Enterprise LTSC",
    "iotenterprise": "IoT Enterprise", "iotenterprises": "IoT Enterprise LTSC", "education": "Education",
    "serverstandard": "Standard", "serverstandardeval": "Standard Evaluation", "serverdatacenter": "Datacenter",
    "serverdatacentereval": "Datacenter Evaluation", "serversolution": "Essentials", "serveressential": "Essentials",
    "serverfoundation": "Foundation",
}  # fmt: skip
_DOTNET = (
    (533320, "4.8.1"), (528040, "4.8"), (461808, "4.7.2"), (461308, "4.7.1"), (460798, "4.7"), (394802, "4.6.2"),
    (394254, "4.6.1"), (393295, "4.6"), (379893, "4.5.2"), (378675, "4.5.1"), (378389, "4.5"),
)  # fmt: skip
_SQL = {
    9: "2005",
    10: "2008",
    11: "2012",
    12: "2014",
    13: "2016",
    14: "2017",
    15: "2019",
    16: "2022",
    17: "2025",
}
_DIRECTX = {
    "4.09.00.0904": "9.0c", "4.09.00.0903": "9.0c", "4.09.00.0902": "9.0b", "4.09.00.0901": "9.0a", "4.09.00.0900": "9.0",
}  # fmt: skip
WINDOWS_11_BUILD = 22_000
"""From this build on it is Windows 11, though the registry goes on calling it "Windows 10"."""


def system_facts(values: Values, machine: str, language: str) -> SystemFacts:
    r"""Of `SOFTWARE\Microsoft\Windows NT\CurrentVersion`; `language` is InstallLanguage as four hexadecimal digits."""
    server = str(values.get("InstallationType", "")).lower().startswith("server")
    build = int(str(values.get("CurrentBuildNumber") or values.get("CurrentBuild") or "0"))
    return SystemFacts(
        family=known("windows"),
        name=attempt(windows_name, str(values.get("ProductName", "")), build, server),
        edition=attempt(edition_of, str(values.get("EditionID", "")), str(values.get("ProductName", ""))),
        version=known(version_of(values, build)) if build else unknown("failed"),
        bits=known(64 if machine.upper() in ("AMD64", "ARM64", "X86_64") else 32),
        language=attempt(language_of, language),
        server=known(server),
    )


def windows_name(product: str, build: int, server: bool) -> str:
    """ "Windows 11", "Windows Server 2012 R2": the product's name without its edition."""
    if server:
        found = re.search(r"Windows (?:MultiPoint )?(?:Small Business )?Server \d{4}( R2)?", product)
    else:
        found = re.match(r"Windows (?:[\d.]+|XP|Vista)", product)
        if found is not None and build >= WINDOWS_11_BUILD:
            return "Windows 11"
    if found is None:
        raise Undetermined("failed")
    return found.group(0)


def edition_of(edition: str, product: str) -> str:
    """The edition as people call it; what Windows calls it where they have no other name."""
    if "essentials" in product.lower():
        return "Essentials"
    if not edition:
        raise Undetermined("failed")
    return _EDITIONS.get(edition.lower(), edition)


def version_of(values: Values, build: int) -> str:
    """10.0.22631.4460: major, minor, build, and the update's revision where it is told."""
    major, minor = values.get("CurrentMajorVersionNumber"), values.get("CurrentMinorVersionNumber", 0)
    head = f"{major}.{minor}" if major is not None else str(values.get("CurrentVersion", "?"))
    revision = values.get("UBR")
    return f"{head}.{build}" + (f".{revision}" if revision is not None else "")


def language_of(code: str) -> str:
    """`0407` is de-DE."""
    found = locale.windows_locale.get(int(code, 16))
    if found is None:
        raise Undetermined("failed")
    return found.replace("_", "-")


def dotnet_of(release: int | None) -> str:
    r"""The version of .NET Framework by `NDP\v4\Full\Release`; "" where there is none of 4.5 or later."""
    return next((version for least, version in _DOTNET if (release or 0) >= least), "")


def runtimes_of(names: Sequence[str]) -> tuple[str, ...]:
    """The versions of .NET among the names of values (`6.0.25`), sorted, each once."""
    found = {one for one in names if re.fullmatch(r"\d+(\.\d+){1,3}", one)}
    return tuple(sorted(found, key=lambda one: [int(part) for part in one.split(".")]))


def directx_of(version: str) -> str:
    """9.0c for 4.09.00.0904, which every Windows since Vista says, whatever it has beyond that."""
    found = _DIRECTX.get(version)
    if found is None:
        raise Undetermined("failed")
    return found


def office_of(click_to_run: Values, installed: Mapping[str, bool]) -> tuple[Office, ...]:
    r"""Word by `Office\ClickToRun\Configuration`, else by the MSI keys: `installed` maps "16.0" etc. to "is 32 bit"."""
    ids = str(click_to_run.get("ProductReleaseIds", "")).split(",")
    names = {name for one in ids if (name := word_of(one)) is not None}
    if names:
        platform = str(click_to_run.get("Platform", "")).lower()
        bits = {"x86": known(32), "x64": known(64)}.get(platform, unknown("failed"))
        version = str(click_to_run.get("VersionToReport", ""))
        told = known(version) if version else unknown("failed")
        return tuple(Office(name=name, version=told, bits=bits) for name in sorted(names))
    years = {"16.0": "Word 2016", "15.0": "Word 2013", "14.0": "Word 2010", "12.0": "Word 2007"}
    return tuple(
        Office(name=years[version], version=known(version), bits=known(32 if narrow else 64))
        for version, narrow in sorted(installed.items(), reverse=True)
        if version in years
    )


def word_of(product: str) -> str | None:
    """The Word in a product of Office: `ProPlus2019Volume` has "Word 2019"; a viewer, Visio or a language pack has none."""
    plain = product.strip()
    if not plain or re.match(
        r"(Visio|Project|OneNote|Access|Excel|Outlook|PowerPoint|Publisher|Skype|Lync)", plain
    ):
        return None
    if re.match(r"(O365|M365|Microsoft365)", plain):
        return "Word Microsoft 365"
    year = re.search(r"(20(?:19|21|24))", plain)
    if year is not None:
        return f"Word {year.group(1)}"
    return "Word 2016" if re.match(r"(ProPlus|Standard|Word|Home|Professional|Personal)", plain) else None


def sql_of(instances: Mapping[str, str]) -> tuple[SqlInstance, ...]:
    r"""Instances of SQL Server with the version of their `Setup\Version` ("" where it was not told)."""
    return tuple(
        SqlInstance(
            instance=name,
            version=known(version) if version else unknown("failed"),
            release=attempt(release_of, version),
        )
        for name, version in sorted(instances.items())
    )


def release_of(version: str) -> str:
    """15.0.2000.5 is SQL Server 2019; 10.50 was 2008 R2."""
    parts = re.match(r"(\d+)\.(\d+)", version)
    if parts is None:
        raise Undetermined("failed")
    if parts.groups() == ("10", "50"):
        return "2008 R2"
    found = _SQL.get(int(parts.group(1)))
    if found is None:
        raise Undetermined("failed")
    return found


def program_of(command: str) -> str:
    r"""The program in a service's command line: `"C:\x y\a.exe" -k` and `C:\x y\a.exe -k` are both C:\x y\a.exe."""
    text = command.strip()
    if text.startswith('"'):
        return text[1:].partition('"')[0]
    found = re.match(r".*?\.(?:exe|sys|dll|com|bat|cmd)(?=\s|$)", text, re.IGNORECASE)
    return found.group(0) if found is not None else text.partition(" ")[0]
