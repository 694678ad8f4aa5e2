"""Tables of cases for `test_tuf_client`: delegations and how they are walked, roots and who signed them."""

GRAPHS: dict[str, tuple[list[tuple], list[str]]] = {
    # (parent, role, terminating, paths), then the order of visits when a target is looked for that is nowhere.
    "two at one level": ([("targets", "A"), ("targets", "B")], ["A", "B"]),
    "depth first": ([("targets", "A"), ("targets", "B"), ("A", "C"), ("A", "D")], ["A", "C", "D", "B"]),
    "three levels": ([("targets", "A"), ("targets", "B"), ("A", "C"), ("C", "D")], ["A", "C", "D", "B"]),
    "terminating": ([("targets", "A"), ("targets", "B"), ("A", "C", True), ("A", "D")], ["A", "C"]),
    "other paths": ([("targets", "A", False, ["*.py"]), ("targets", "B"), ("A", "C")], ["B"]),
    "a circle": ([("targets", "A"), ("A", "B"), ("B", "C"), ("C", "A")], ["A", "B", "C"]),
    "two ways to one": ([("targets", "A"), ("targets", "B"), ("B", "C"), ("A", "C")], ["A", "C", "B"]),
    "one way of two": (
        [("targets", "A"), ("targets", "B"), ("B", "C"), ("A", "C", False, ["*.py"])],
        ["A", "B", "C"],
    ),
}
ROTATIONS: dict[str, tuple[list[tuple[list[int], int, list[int]]], bool]] = {
    # Of each root version: keys, threshold, who signed; then whether the last one is accepted.
    "one key": ([([1], 1, [1]), ([2], 1, [2, 1]), ([2], 1, [2])], True),
    "signatures nobody needs": ([([1], 1, [3, 1, 4]), ([2], 1, [3, 2, 1, 4]), ([2], 1, [3, 2, 4])], True),
    "three of five": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 2, 3, 4], 3, [0, 4, 1])], True),
    "all keys at once": (
        [([0, 1, 2], 2, [0, 1]), ([3, 4, 5], 2, [0, 1, 3, 4]), ([3, 4, 5], 2, [3, 5])],
        True,
    ),
    "threshold up": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])], True),
    "threshold down": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [1])], True),
    "without the old key": ([([1], 1, [1]), ([2], 1, [2, 3, 4])], False),
    "without the new key": ([([1], 1, [1]), ([2], 1, [1, 3, 4])], False),
    "too few new ones": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4])], False),
    "too few old ones": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])], False),
    "new threshold missed": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2])], False),
    "old threshold missed": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1])], False),
}
