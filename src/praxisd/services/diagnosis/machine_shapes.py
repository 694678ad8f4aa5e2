"""The structs of a computer's facts, from `model` (rules may import them there), under one name for the diagnosis."""

from praxisd.model.machine import (
    NOT_MEASURED,
    Disk,
    DiskKind,
    Fact,
    FolderRight,
    Graphics,
    MachineFacts,
    Network,
    Office,
    Printer,
    ProcessorFacts,
    Screen,
    ServiceFacts,
    ServiceState,
    SqlInstance,
    SystemFacts,
    disk_of,
    known,
    unknown,
)
from praxisd.model.requirement import Role

__all__ = (
    "NOT_MEASURED", "Disk", "DiskKind", "Fact", "FolderRight", "Graphics", "MachineFacts", "Network", "Office", "Printer",
    "ProcessorFacts", "Role", "Screen", "ServiceFacts", "ServiceState", "SqlInstance", "SystemFacts", "disk_of", "known",
    "unknown",
)  # fmt: skip
