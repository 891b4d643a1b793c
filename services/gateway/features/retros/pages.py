"""Looking back: one's own starfish, the team's board, and what others let one read."""

import asyncio
from datetime import UTC
from functools import partial
from typing import Any
from urllib.parse import quote

from google.protobuf.message import Message
from starlette.responses import JSONResponse, Response

from eventkit.errors import Violation
from nhip.common.v1 import command_pb2, words_pb2
from nhip.retros.v1 import retros_pb2, types_pb2
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.retros import shown
from services.gateway.features.retros.shown import ARMS, COLUMNS, VOTES, arms, names_of

routes = Routes()


# --- one's own ---


@routes.page("/retro")
async def latest(visit: Visit) -> Response:
    """`GET /retro`: of the cycle that ends, or has ended, nearest to today."""
    rounds = await _rounds(visit)
    one = shown.nearest(rounds.rounds, visit)
    if one is None:
        return visit.render("retros/none.html")
    return visit.redirect(_url(one.cycle_id))


@routes.page("/retro/{cycle}")
async def mine(visit: Visit) -> Response:
    """`GET /retro/<cycle>`."""
    return await _mine(visit)


async def _mine(
    visit: Visit, filled: Form | None = None, status: int = 200, *, opening: Form | None = None
) -> Response:
    cycle = visit.request.path_params["cycle"]
    retro, rounds, shared = await asyncio.gather(
        _retro(visit, cycle),
        _rounds(visit),
        or_none(
            visit.caller.query(
                "retros",
                "ListSharedRetros",
                retros_pb2.ListSharedRetros(cycle_id=cycle, page_token=visit.request.query_params.get("after", "")),
                retros_pb2.SharedRetros,
            )
        ),
    )
    this = next((one for one in rounds.rounds if one.cycle_id == cycle), retro.round)
    who = await directory(visit, retro, shared, ids=this.unit_ids)
    return visit.render(
        "retros/retro.html",
        status,
        here=_url(cycle),
        round=shown.round_row(this, visit.language),
        others=[shown.round_row(one, visit.language) for one in rounds.rounds if one.cycle_id != cycle],
        boards=[shown.board_row(board, who, visit) for board in this.boards],
        units=[(unit, who.unit(unit).name) for unit in this.unit_ids],
        opening=opening or Form(),
        arms=arms(visit.language),
        form=filled or _form(retro),
        written_at=visit.language.instant(retro.written_at.ToDatetime(UTC), visit.zone) if retro.revision else "",
        answered=sum(retro.starfish.HasField(arm) for arm in ARMS),
        done=retro.done,
        reader=who.person(retro.reader_id) if retro.reader_id else None,
        manager=who.person(retro.manager_id) if retro.manager_id else None,
        before=visit.language.words(retro.before.start) if retro.before.HasField("start") else "",
        before_cycle=retro.before_cycle,
        shared=[(who.person(id), f"{_url(cycle)}/{quote(id, safe='')}") for id in shared.person_ids] if shared else [],
        more=f"{_url(cycle)}?after={quote(shared.next_page_token)}" if shared and shared.next_page_token else "",
    )


@routes.form("/retro/{cycle}")
async def write(visit: Visit) -> Response:
    """`POST /retro/<cycle>`: all five arms, and that one is through with it."""
    filled = await sent(visit.request)
    _ = visit.language.gettext
    said = _("Your starfish is kept. You may write on at any time.")
    return await _send(visit, filled, "WriteStarfish", _starfish(visit, filled, done=True), said, partial(_mine, visit))


@routes.form("/retro/{cycle}/kept", page="/retro/{cycle}")
async def keep(visit: Visit) -> Response:
    """`POST /retro/<cycle>/kept`: what is typed so far; answered to a script."""
    filled = await sent(visit.request)
    return await _keep(visit, "WriteStarfish", _starfish(visit, filled, done=bool(filled["done"])))


@routes.form("/retro/{cycle}/readers", page="/retro/{cycle}")
async def readers(visit: Visit) -> Response:
    """`POST /retro/<cycle>/readers`: lets the direct manager read it, or takes that back."""
    filled, cycle = await sent(visit.request), visit.request.path_params["cycle"]
    _ = visit.language.gettext
    if filled["do"] == "share":
        command, said = retros_pb2.ShareRetro(cycle_id=cycle), _("Your manager may read your retro now.")
        return await _send(visit, filled, "ShareRetro", command, said, partial(_mine_refused, visit))
    command, said = retros_pb2.UnshareRetro(cycle_id=cycle), _("Nobody but you reads your retro now.")
    return await _send(visit, filled, "UnshareRetro", command, said, partial(_mine_refused, visit))


async def _mine_refused(visit: Visit, filled: Form, status: int) -> Response:
    """A form of the page that has no words of its own was refused: the starfish stays as it is kept."""
    retro = await _retro(visit, visit.request.path_params["cycle"])
    kept = _form(retro)
    return await _mine(visit, Form(kept.values, kept.key, {"": " ".join(filled.errors.values())}), status)


# --- a team's ---


@routes.form("/retro/{cycle}/teams", page="/retro/{cycle}")
async def open_board(visit: Visit) -> Response:
    """`POST /retro/<cycle>/teams`: opens the board of a unit."""
    filled, cycle = await sent(visit.request), visit.request.path_params["cycle"]
    command = retros_pb2.OpenTeamRetro(
        cycle_id=cycle, unit_id=filled.text("unit"), anonymous=filled["anonymous"] == "1"
    )
    said = visit.language.gettext("The board is open, and everybody of the team was told.")
    return await carry_out(
        visit,
        filled,
        "retros",
        "OpenTeamRetro",
        command,
        said,
        to=_board_url,
        again=lambda form, status: _mine(visit, None, status, opening=form),
        fields={"unit_id": "unit", "anonymous": "anonymous"},
    )


@routes.page("/retro/team/{board}")
async def board(visit: Visit) -> Response:
    """`GET /retro/team/<board>`."""
    return await _board(visit)


async def _board(visit: Visit, filled: Form | None = None, status: int = 200) -> Response:
    id = visit.request.path_params["board"]
    asked = retros_pb2.GetTeamRetro(team_retro_id=id)
    found = await visit.caller.query("retros", "GetTeamRetro", asked, retros_pb2.TeamRetro)
    who = await directory(visit, found)
    language = visit.language
    stage = types_pb2.Stage.Name(found.stage).removeprefix("STAGE_").lower()
    columns, groups = shown.open_cards(found, who, language)
    form = shown.form_of(found.own, found.own_revision, done=found.own_done, language=language)
    if filled is not None:  # what was typed stays; what it was typed over is what stands now
        form = Form({**filled.values, "revision": str(found.own_revision)}, filled.key, filled.errors)
    return visit.render(
        "retros/board.html",
        status,
        here=_board_url(id),
        board=found,
        stage=stage,
        team=who.unit(found.unit_id).name,
        facilitator=who.person(found.facilitator_id),
        leads=found.facilitator_id == visit.person,
        until=language.instant(found.closes_at.ToDatetime(UTC), visit.zone),
        form=form,
        writing=shown.writing_columns(form, language) if stage == "writing" and found.member else [],
        columns=columns,
        groups=groups,
        votes_left=VOTES - len(found.own_votes),
        trials=shown.trial_rows(found.trials, language),
        before=shown.trial_rows(found.before, language),
    )


@routes.form("/retro/team/{board}")
async def write_cards(visit: Visit) -> Response:
    """`POST /retro/team/<board>`: all of a member's cards, and that they are through."""
    filled = await sent(visit.request)
    command = _cards(visit, filled, done=filled["do"] == "done")
    _ = visit.language.gettext
    said = (
        _("Your cards are kept, and you are through. Until all cards lie open you may still change them.")
        if command.done
        else _("Your cards are kept.")
    )
    return await _send(visit, filled, "WriteCards", command, said, partial(_board, visit))


@routes.form("/retro/team/{board}/kept", page="/retro/team/{board}")
async def keep_cards(visit: Visit) -> Response:
    """`POST /retro/team/<board>/kept`: what is typed so far; answered to a script."""
    filled = await sent(visit.request)
    return await _keep(visit, "WriteCards", _cards(visit, filled, done=bool(filled["done"])))


@routes.form("/retro/team/{board}/groups", page="/retro/team/{board}")
async def group(visit: Visit) -> Response:
    """`POST /retro/team/<board>/groups`: lays the ticked cards together, or dissolves a group."""
    filled = await sent(visit.request)
    _ = visit.language.gettext
    cards = [
        name.removeprefix("card.") for name, ticked in filled.values.items() if name.startswith("card.") and ticked
    ]
    dissolved = filled["group"]
    command = retros_pb2.GroupCards(
        team_retro_id=visit.request.path_params["board"],
        group_id=dissolved,
        name=words_pb2.PersonalText(plain=filled.text("name")) if filled.text("name") else None,
        card_ids=[] if dissolved else cards,
    )
    said = _("The group is dissolved.") if dissolved else _("These cards lie together now.")
    return await _send(visit, filled, "GroupCards", command, said, partial(_board, visit))


@routes.form("/retro/team/{board}/votes", page="/retro/team/{board}")
async def vote(visit: Visit) -> Response:
    """`POST /retro/team/<board>/votes`: one more vote for a card, or one back."""
    filled, id = await sent(visit.request), visit.request.path_params["board"]
    _ = visit.language.gettext
    asked = retros_pb2.GetTeamRetro(team_retro_id=id)
    votes = list((await visit.caller.query("retros", "GetTeamRetro", asked, retros_pb2.TeamRetro)).own_votes)
    if filled["take_back"] in votes:
        votes.remove(filled["take_back"])
    elif filled["card"]:
        votes.append(filled["card"])
    if len(votes) > VOTES:
        wrong = filled.wrong([Violation("", "NO_VOTES_LEFT", parameters={"most": str(VOTES)})], visit.language)
        return await _board(visit, wrong, 422)
    command = retros_pb2.CastVotes(team_retro_id=id, card_ids=votes)
    left = visit.language.ngettext("%(n)s vote left.", "%(n)s votes left.", VOTES - len(votes))
    return await _send(visit, filled, "CastVotes", command, left % {"n": VOTES - len(votes)}, partial(_board, visit))


@routes.form("/retro/team/{board}/trials", page="/retro/team/{board}")
async def choose(visit: Visit) -> Response:
    """`POST /retro/team/<board>/trials`: what the team tries."""
    filled = await sent(visit.request)
    texts = [words_pb2.PersonalText(plain=filled.text(name)) for name in ("first", "second") if filled.text(name)]
    command = retros_pb2.ChooseTrials(team_retro_id=visit.request.path_params["board"], trials=texts)
    said = visit.language.gettext("This is what the team tries. The next retro asks what became of it.")
    return await _send(visit, filled, "ChooseTrials", command, said, partial(_board, visit))


@routes.form("/retro/team/{board}/verdict", page="/retro/team/{board}")
async def judge(visit: Visit) -> Response:
    """`POST /retro/team/<board>/verdict`: what became of something that was tried, on the board before."""
    filled = await sent(visit.request)
    command = retros_pb2.JudgeTrial(
        team_retro_id=filled["of"],
        trial_id=filled["trial"],
        verdict=types_pb2.VERDICT_KEPT if filled["do"] == "kept" else types_pb2.VERDICT_DROPPED,
    )
    said = visit.language.gettext("It is written down.")
    return await _send(visit, filled, "JudgeTrial", command, said, partial(_board, visit))


# --- what others let one read; behind "/retro/team/…", which it would answer too ---


@routes.page("/retro/{cycle}/{person}")
async def another(visit: Visit) -> Response:
    """`GET /retro/<cycle>/<person>`: what somebody lets one read."""
    cycle, person = visit.request.path_params["cycle"], visit.request.path_params["person"]
    retro = await _retro(visit, cycle, person)
    who = await directory(visit, retro)
    return visit.render(
        "retros/shared.html",
        round=shown.round_row(retro.round, visit.language),
        person=who.person(person),
        arms=[
            (arm, visit.language.words(getattr(retro.starfish, arm.name)))
            for arm in arms(visit.language)
            if retro.starfish.HasField(arm.name)  # pyright: ignore[reportArgumentType] # one of the contract's names
        ],
    )


# --- what they share ---


async def _send(visit: Visit, filled: Form, method: str, command: Message, said: str, again: Any) -> Response:
    """Then back to the page, which says what happened."""
    board = visit.request.path_params.get("board")
    url = _board_url(board) if board else _url(visit.request.path_params["cycle"])
    return await carry_out(
        visit, filled, "retros", method, command, said, to=lambda _: url, again=again, fields={"trials": "first"}
    )


async def _keep(visit: Visit, method: str, command: retros_pb2.WriteStarfish | retros_pb2.WriteCards) -> Response:
    """What a script is told: the revision that stands now, and when; or why it was not kept."""
    try:
        _, position = await visit.caller.ask("retros", method, command, command_pb2.Accepted, key=Form().key)
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return JSONResponse({"said": visit.explain(failure)}, failure.http)
    at = visit.console.clock().astimezone(visit.zone)
    said = visit.language.gettext("Kept at %(time)s") % {"time": f"{at:%H:%M}"}
    response = JSONResponse({"said": said, "revision": str(command.revision + 1)})
    visit.remember(response, position)
    return response


async def _retro(visit: Visit, cycle: str, person: str = "") -> retros_pb2.Retro:
    asked = retros_pb2.GetRetro(cycle_id=cycle, person_id=person)
    return await visit.caller.query("retros", "GetRetro", asked, retros_pb2.Retro)


async def _rounds(visit: Visit) -> retros_pb2.Rounds:
    return await visit.caller.query("retros", "ListRounds", retros_pb2.ListRounds(), retros_pb2.Rounds)


def _form(retro: retros_pb2.Retro) -> Form:
    arms = {arm: getattr(retro.starfish, arm).plain for arm in ARMS}
    return Form({**arms, "revision": str(retro.revision), "done": "1" if retro.done else ""})


def _starfish(visit: Visit, filled: Form, *, done: bool) -> retros_pb2.WriteStarfish:
    arms = {arm: words_pb2.PersonalText(plain=filled.text(arm)) for arm in ARMS if filled.text(arm)}
    return retros_pb2.WriteStarfish(
        cycle_id=visit.request.path_params["cycle"],
        starfish=types_pb2.Starfish(**arms),
        done=done,
        revision=_revision(filled),
    )


def _cards(visit: Visit, filled: Form, *, done: bool) -> retros_pb2.WriteCards:
    cards = [
        retros_pb2.Card(column=column, words=words_pb2.PersonalText(plain=filled.text(name)))
        for column in COLUMNS
        for name in names_of(types_pb2.Column.Name(column).removeprefix("COLUMN_"))
        if filled.text(name)
    ]
    return retros_pb2.WriteCards(
        team_retro_id=visit.request.path_params["board"], cards=cards, done=done, revision=_revision(filled)
    )


def _revision(filled: Form) -> int:
    return int(filled["revision"]) if filled["revision"].isdecimal() and len(filled["revision"]) < 9 else 0


def _url(cycle: str) -> str:
    return f"/retro/{quote(cycle, safe='')}"


def _board_url(board: str) -> str:
    return f"/retro/team/{quote(board, safe='')}"
