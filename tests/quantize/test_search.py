"""The search keeps what loses most, as little as it takes, and ends in its time."""

from __future__ import annotations

from hpe_volleyball.quantize.search import Budget, Trial, grouped, keep_worst

NAMES = [f"n{i:02d}" for i in range(36)]
HARM = {"n04": 0.10, "n20": 0.30, "n21": 0.05, "n33": 0.02}
"""What low precision of a node costs; three of twelve groups do harm."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Model:
    """Agreement falls by the harm of each node that is not kept; a trial takes 5 s."""

    def __init__(self, clock: Clock, limit: float = 0.97) -> None:
        self.clock = clock
        self.limit = limit

    def __call__(self, kept: frozenset[str]) -> Trial:
        self.clock.now += 5
        agreement = 1 - sum(cost for name, cost in HARM.items() if name not in kept)
        return Trial(agreement, agreement >= self.limit)


def test_a_model_that_loses_nothing_takes_one_trial() -> None:
    clock = Clock()
    found = keep_worst(NAMES, ["n00"], Model(clock, limit=0.1), Budget(600, clock))
    assert (set(found.kept), found.trials, found.good) == ({"n00"}, 1, True)


def test_the_harmful_groups_are_kept_and_no_others() -> None:
    clock = Clock()
    found = keep_worst(NAMES, [], Model(clock), Budget(600, clock))
    assert found.good
    assert not found.out_of_time
    # Groups of three; the one with n33 does too little harm to be kept.
    assert found.kept == {"n03", "n04", "n05", "n18", "n19", "n20", "n21", "n22", "n23"}


def test_a_search_ends_in_its_time_with_the_best_it_saw() -> None:
    for seconds in (1, 12, 40, 63, 66, 70, 90):
        clock = Clock()
        found = keep_worst(NAMES, [], Model(clock), Budget(seconds, clock))
        assert found.seconds <= max(seconds, 5)
        assert found.out_of_time != found.good
        assert found.agreement >= 1 - sum(HARM.values()) - 1e-9


def test_groups_hold_every_node_once() -> None:
    for count in (1, 5, 12, 13, 36):
        groups = grouped(NAMES[:count])
        assert len(groups) == min(12, count)
        assert sorted(name for group in groups for name in group) == NAMES[:count]
    assert grouped([]) == []


def test_never_is_everything_kept() -> None:
    """That would be the source again, under the name of a smaller model."""
    clock = Clock()
    found = keep_worst(NAMES, [], Model(clock, limit=1.1), Budget(10_000, clock))
    assert not found.good
    assert len(found.kept) < len(NAMES)


def test_the_best_is_returned_where_keeping_more_makes_it_worse() -> None:
    """As rounding does that cancels out between two groups."""
    clock = Clock()
    model = Model(clock)

    def trial(kept: frozenset[str]) -> Trial:
        worse = 0.2 if {"n04", "n20"} <= kept and len(kept) < len(NAMES) - 3 else 0.0
        return Trial(model(kept).agreement - worse, good=False)

    found = keep_worst(NAMES, [], trial, Budget(600, clock))
    assert found.kept == {"n18", "n19", "n20"}
    assert found.agreement == trial(found.kept).agreement
