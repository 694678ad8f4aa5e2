"""Rules of a move: the configuration keeps all but the places of the old computer; which steps a move has."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.model.backup_kept import StepKept
from praxisd.services.backups.moving import config_rules, step_rules
from praxisd.services.backups.moving.step_rules import Facts

LINES = {
    "database_url": (
        'database_url = "postgresql://u:p@alt/x"',
        "database_url='sqlite:///C:/x'  # here",
        '"database_url" = "y"',
    ),
    "vault_key": ('vault_key = "/etc/praxisd/vault.key"', "  vault_key = 'C:\\keys\\vault.key'"),
    "updates_root": ('updates_root = "/etc/root.json"',),
    "instance": ('instance = "Praxis # 1"', "instance = 'database_url = 1'"),
    "public_url": ('public_url = "https://praxis.example"',),
    "request_threads": ("request_threads = 4",),
}
lines = st.lists(
    st.sampled_from([(k, v) for k, all_ in LINES.items() for v in all_]), unique_by=lambda one: one[0]
)
tail = st.sampled_from(["", "[settings]\nvault_key = 1\n", "[settings.database_url]\nx = 'y'\n", "# the end"])


@given(lines, tail, st.booleans())
def test_only_places_are_left_out(chosen: list[tuple[str, str]], end: str, fresh: bool) -> None:
    text = "# ours\n" + "".join(f"{line}\n" for _, line in chosen) + end
    put = {"database_url": 'postgresql://"neu"\\x'} if fresh else {}
    made = config_rules.fitted(text, put)
    before, after = tomllib.loads(text), tomllib.loads(made)
    assert after == {k: v for k, v in before.items() if k not in config_rules.LEFT_OUT} | put
    assert "# ours" in made and all(
        line in made for name, line in chosen if name not in config_rules.LEFT_OUT
    )


@pytest.mark.parametrize("text", ['vault_key = """\n/x"""\n', "database_url = '''a\nb'''\n", "not toml ["])
def test_what_cannot_be_left_out_safely_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        config_rules.fitted(text, {})


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([(), ("x",)]),
)
def test_each_step_has_its_reason(
    same: bool, relay: bool, address: bool, provider: bool, drives: int, copy: bool, missing: tuple[str, ...]
) -> None:
    steps = step_rules.needed(Facts(same, relay, address, provider, drives, copy, missing))
    wanted = {
        "seats": not same, "relay": relay, "address": address, "ini": provider, "drives": drives > 0, "copy_folder": copy,
        "plugins": bool(missing),
    }  # fmt: skip
    assert set(steps) == set(step_rules.ALWAYS) | {one for one, there in wanted.items() if there}
    assert list(steps) == step_rules.open_steps(steps), "in the order in which they are best done"
    done = step_rules.ticked(steps, "old", done=True, by="user:1", at=7)
    assert done["old"] == StepKept("done", "user:1", 7) and "old" not in step_rules.open_steps(done)
    assert step_rules.ticked(done, "old", done=False, by="", at=8) == steps
    with pytest.raises(KeyError):
        step_rules.ticked(steps, "nothing", done=True, by="", at=1)
