"""Hatch's hook: a wheel carries the console, built here; an editable install does not (the Makefile builds it)."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface):
    """Builds ui/ before the files of the wheel are collected."""

    def _tool(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("build_ui", Path(self.root) / "tools" / "build_ui.py")
        if spec is None or spec.loader is None:
            raise RuntimeError("tools/build_ui.py is missing")
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        return tool

    def dependencies(self) -> list[str]:
        """Node from PyPI where this machine has none that is new enough."""
        tool = self._tool()
        return [] if tool.current() or tool.node_good() else [tool.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, unless nothing of it goes into what is made."""
        if version != "editable":
            self._tool().build()
