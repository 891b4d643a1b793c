"""Lists of people: where the next page begins while people come, go and are renamed."""

import pytest

from eventkit.errors import Rejected
from services.people.names import after

FIRST = ["an", "bình", "chi"]
"""The first page of `an bình chi dũng em`."""


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        ("an bình chi dũng em", "dũng em"),
        ("an bình chi có dũng em", "có dũng em"),
        ("an bình bốn chi dũng em", "bốn dũng em"),
        ("an bình dũng em chi", "dũng em"),
        ("chi an bình dũng em", "dũng em"),
        ("bình chi dũng em an", "dũng em"),
        ("an chi dũng em bình", "dũng em"),
    ],
)
def test_nobody_is_left_out_or_shown_again_when_one_is_renamed_or_joins_between_two_pages(now: str, rest: str):
    assert list(after(now.split(), FIRST)) == rest.split()


def test_a_short_page_goes_on_behind_its_last():
    assert list(after(["an", "bình", "chi"], ["an"])) == ["bình", "chi"]
    assert list(after(["an", "bình", "chi"], ["an", "bình"])) == ["chi"]


def test_a_token_that_names_nobody_here_is_refused():
    for last in ([], ["nobody"], ["nobody", "no one"]):
        with pytest.raises(Rejected):
            after(["an"], last)
