"""Codes of what may be wrong with a ServiceProvider: the seed's six messages, and the further states (SPEC 7.6)."""

UNREACHABLE, OUTDATED = "serviceprovider.unreachable", "serviceprovider.outdated"
NOT_ENABLED, PVS_UNKNOWN = "serviceprovider.not_enabled", "serviceprovider.pvs_unknown"
DATAPATH_INVALID, DATAPATH_MISSING = "serviceprovider.datapath_invalid", "serviceprovider.datapath_missing"
NOT_INSTALLED, STOPPED = "serviceprovider.not_installed", "serviceprovider.stopped"
WRONG_MACHINE, INSTALLED_TWICE = "serviceprovider.wrong_machine", "serviceprovider.installed_twice"
FOLDER_MISSING, SERVICE_MISSING = "serviceprovider.folder_missing", "serviceprovider.service_missing"
IDENTIFIER_DIFFERS, PORT_DIFFERS = "serviceprovider.identifier_differs", "serviceprovider.port_differs"
MAPPED_DRIVE, DOTNET_OLD = "serviceprovider.mapped_drive", "serviceprovider.dotnet_old"
CUSTOMER_NUMBER_MISSING, SPACES = "serviceprovider.customer_number_missing", "serviceprovider.spaces"
STALE, KEY_TWICE = "serviceprovider.stale", "serviceprovider.key_twice"
HOSTNAME_MISSING, HOSTNAME_DIFFERS = "serviceprovider.hostname_missing", "serviceprovider.hostname_differs"
CONNECTION_HOST = "serviceprovider.connection_host"
INI_MISSING, INI_UNREADABLE = "serviceprovider.ini_missing", "serviceprovider.ini_unreadable"
FILTERED, WRONG_ANSWER = "serviceprovider.filtered", "serviceprovider.wrong_answer"
FACTS_MISSING = "serviceprovider.facts_missing"
SQL_MISSING, NOT_FILLED = "serviceprovider.sql_missing", "serviceprovider.not_filled"
HOSTNAME_LOCAL, LEFT_BEHIND = "serviceprovider.hostname_local", "serviceprovider.left_behind"
ONLY_LOCAL = "serviceprovider.only_local"

SIX = (UNREACHABLE, OUTDATED, NOT_ENABLED, DATAPATH_INVALID, DATAPATH_MISSING, PVS_UNKNOWN)
"""The messages of the seed."""
CODES = (
    *SIX, NOT_INSTALLED, STOPPED, WRONG_MACHINE, INSTALLED_TWICE, FOLDER_MISSING, SERVICE_MISSING, IDENTIFIER_DIFFERS,
    PORT_DIFFERS, MAPPED_DRIVE, DOTNET_OLD, CUSTOMER_NUMBER_MISSING, SPACES, STALE, KEY_TWICE, HOSTNAME_MISSING,
    HOSTNAME_DIFFERS, CONNECTION_HOST, INI_MISSING, INI_UNREADABLE, FILTERED, WRONG_ANSWER, FACTS_MISSING,
    SQL_MISSING, NOT_FILLED, HOSTNAME_LOCAL, LEFT_BEHIND, ONLY_LOCAL,
)  # fmt: skip
WARNINGS = frozenset(
    {
        OUTDATED, MAPPED_DRIVE, CUSTOMER_NUMBER_MISSING, SPACES, KEY_TWICE, FACTS_MISSING, DOTNET_OLD, NOT_FILLED,
        HOSTNAME_LOCAL, LEFT_BEHIND,
    }
)  # fmt: skip
"""The provider works in spite of these, or it is not known whether it does."""
REPAIRS = (
    NOT_ENABLED, PVS_UNKNOWN, DATAPATH_MISSING, IDENTIFIER_DIFFERS, PORT_DIFFERS, CUSTOMER_NUMBER_MISSING, SPACES, STALE,
    KEY_TWICE, HOSTNAME_MISSING, HOSTNAME_DIFFERS, HOSTNAME_LOCAL, CONNECTION_HOST, INI_MISSING,
)  # fmt: skip
"""What praxisd can mend in the two files."""
