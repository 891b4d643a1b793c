"""What the digest of a request is made of."""

from eventkit.rpc.call import marked
from nhip.common.v1.words_pb2 import PersonalText
from nhip.retros.v1 import retros_pb2 as r
from nhip.retros.v1 import types_pb2 as t


def cards(*written: str) -> r.WriteCards:
    return r.WriteCards(
        team_retro_id="b1",
        revision=2,
        cards=[r.Card(column=t.COLUMN_LIKED, words=PersonalText(plain=text)) for text in written],
    )


def test_nothing_of_what_somebody_writes_on_a_board_is_in_it():
    assert marked(cards("một", "hai")) == marked(cards("ba")) == r.WriteCards(team_retro_id="b1", revision=2)


def test_of_everything_else_it_is_all():
    vote = r.CastVotes(team_retro_id="b1", card_ids=["c1"])
    group = r.GroupCards(team_retro_id="b1", name=PersonalText(plain="Họp"), card_ids=["c1", "c2"])
    assert (marked(vote), marked(group)) == (vote, group)
