"""How long a collector that fails is left alone."""

from diamond3.pauses import FIRST, LONGEST, Pauses


class Clock:
    def __init__(self):
        self.now = 5.0

    def __call__(self):
        return self.now


def test_pauses_grow_up_to_the_longest():
    clock = Clock()
    pauses = Pauses(clock)
    assert pauses.is_over("A")
    lengths = []
    for _ in range(12):
        lengths.append(pauses.begin("A"))
        assert not pauses.is_over("A")
        assert pauses.is_over("B")
        clock.now += lengths[-1]
        assert pauses.is_over("A")
    assert lengths == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST, LONGEST, LONGEST]


def test_what_has_worked_for_a_while_is_started_again_soon():
    clock = Clock()
    pauses = Pauses(clock)
    for _ in range(3):
        clock.now += pauses.begin("A")
    clock.now += 41
    assert pauses.begin("A") == FIRST


def test_a_new_configuration_is_tried_at_once():
    pauses = Pauses(Clock())
    pauses.begin("A")
    pauses.begin("A")
    pauses.forget()
    assert pauses.is_over("A")
    assert pauses.begin("A") == FIRST
