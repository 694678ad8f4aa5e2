"""Settings: typed values with bounds, and where each one comes from.

Order of precedence: what a person stored, else the configuration file, else the declared default.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Scope, Setting
from praxisd.kernel.store import Tx, mine, prepared, table, upsert

if TYPE_CHECKING:
    from praxisd.kernel.registry import Registry

SETTING = table(
    "kernel_setting",
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "owner", "key"),
)
_PUT = upsert(SETTING, ("organization", "owner", "key"))
_S = SETTING.c
_GET = prepared(
    sa.select(SETTING).where(mine(SETTING), _S.owner == sa.bindparam("owner"), _S.key == sa.bindparam("key"))
)
_DROP = prepared(
    sa.delete(SETTING).where(mine(SETTING), _S.owner == sa.bindparam("owner"), _S.key == sa.bindparam("key"))
)
Value = bool | int | str


class Known(msgspec.Struct, rename="camel", frozen=True):
    """A setting's value and its provenance: `source` is stored, file or default."""

    key: str
    value: Value
    source: str
    version: int = 0
    actor: str | None = None
    updated_at: int | None = None


def validate(setting: Setting, value: Any) -> Value:
    """The value, or Problem `settings.invalid` (422) that names key and bounds."""

    def refuse(reason: str) -> Problem:
        return Problem(
            "settings.invalid",
            422,
            key=setting.key,
            reason=reason,
            low=setting.low or 0,
            high=setting.high or 0,
        )

    if isinstance(setting.kind, tuple):
        if value not in setting.kind:
            raise refuse("choice")
    elif setting.kind is bool or isinstance(value, bool):
        if not (setting.kind is bool and isinstance(value, bool)):
            raise refuse("type")
    elif not isinstance(value, setting.kind):
        raise refuse("type")
    else:
        size: Any = len(value) if isinstance(value, str) else value
        low_ok = setting.low is None or size >= setting.low
        if not low_ok or (setting.high is not None and size > setting.high):
            raise refuse("bounds")
    if setting.check is not None:
        setting.check(value)
    return value  # type: ignore[no-any-return]


class Settings:
    """Reads and writes settings inside a transaction. `file` holds the values of the configuration file."""

    def __init__(self, registry: "Registry", file: Mapping[str, Any]) -> None:
        self._declared = registry.settings
        self._file: dict[str, Value] = {}
        for key, value in file.items():
            self._file[key] = validate(self.declared(key), value)

    def declared(self, key: str) -> Setting:
        """The declaration, or Problem `settings.unknown` (404)."""
        found = self._declared.get(key)
        if found is None:
            raise Problem("settings.unknown", 404, key=key)
        return found

    def get(self, tx: Tx, key: str, owner: str = "") -> Any:
        """The value in force. `owner` is the seat or user of settings with such a scope."""
        return self.known(tx, key, owner).value

    def known(self, tx: Tx, key: str, owner: str = "") -> Known:
        """The value in force with its provenance."""
        setting = self.declared(key)
        row = tx.first(_GET, owner=owner, key=key, organization=self._home(tx, setting))
        if row is not None:
            return Known(
                key, msgspec.json.decode(row.value), "stored", row.version, row.actor, row.updated_at
            )
        if key in self._file:
            return Known(key, self._file[key], "file")
        return Known(key, setting.default, "default")

    def all(self, tx: Tx) -> list[Known]:
        """Every installation and organization setting with its provenance, in key order."""
        shown = (Scope.INSTALLATION, Scope.ORGANIZATION)
        return [self.known(tx, k) for k in sorted(self._declared) if self._declared[k].scope in shown]

    def put(self, tx: Tx, key: str, value: Any, owner: str = "", expected: int | None = None) -> Known:
        """Store a value (validated), note the event `setting.changed`, and return it. None restores the default."""
        setting = self.declared(key)
        home = self._home(tx, setting)
        if (setting.scope in (Scope.SEAT, Scope.USER)) != bool(owner):
            raise Problem("settings.invalid", 422, key=key, reason="scope", low=0, high=0)
        before = self.known(tx, key, owner)
        if expected is not None and expected != before.version:
            raise Problem("resource.stale", 412, kind="Setting")
        good = self._file.get(key, setting.default) if value is None else validate(setting, value)
        if setting.agrees is not None:
            setting.agrees(good, lambda other: self.get(tx, other, owner))
        if value is None:
            tx.run(_DROP, owner=owner, key=key, organization=home)
        else:
            tx.run(
                _PUT,
                organization=home,
                owner=owner,
                key=key,
                value=msgspec.json.encode(good).decode(),
                version=before.version + 1,
                actor=tx.actor.label,
                updated_at=tx.now,
            )
        events.note(tx, "setting.changed", "Setting", key, version=before.version + 1)
        if setting.scope is Scope.INSTALLATION:
            tx.after(tx.store.doubt)  # one of them says who looks after the server
        return self.known(tx, key, owner)

    @staticmethod
    def _home(tx: Tx, setting: Setting) -> str:
        return INSTALLATION if setting.scope is Scope.INSTALLATION else tx.organization
