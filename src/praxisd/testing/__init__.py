"""For our tests and for authors of plug-ins: real servers and folders, a frozen clock, contract suites."""
