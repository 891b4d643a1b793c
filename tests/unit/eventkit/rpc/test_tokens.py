"""Tokens that hold, and all the ways in which one does not."""

import asyncio
import base64
import hmac
import json
import threading
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jwt

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.rpc.auth import Claims, Keys, KeysUnavailable, Tokens, identity_id
from eventkit.rpc.demo_issuer import DemoIssuer
from tests.waiting import PATIENCE

ISSUER = "https://issuer.example"
NOW = 1_800_000_000


@pytest.fixture
def issuer(tmp_path) -> DemoIssuer:
    return DemoIssuer(host="localhost", key_file=tmp_path / "keys" / "issuer.json", issuer=ISSUER, now=lambda: NOW)


@pytest.fixture
def tokens(issuer, tmp_path) -> Tokens:
    return tokens_of(tmp_path, issuer.jwks())


def tokens_of(tmp_path, jwks, **options) -> Tokens:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks))
    return Tokens(issuer=ISSUER, audience="nhip", keys=Keys(str(path)), **{"now": lambda: NOW, **options})


def claims(**others) -> dict:
    given = {"iss": ISSUER, "aud": "nhip", "sub": "person:lan", "tenant": "acme", "iat": NOW, "exp": NOW + 60, **others}
    return {name: value for name, value in given.items() if value is not None}


def signed(issuer: DemoIssuer, header: dict | None = None, **others) -> str:
    """Signed by the issuer, whatever the header and the claims say."""

    private = issuer._key.private_key
    assert private is not None

    def es256(content: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(content, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    return compact({"alg": "ES256", "kid": issuer._key.thumbprint(), **(header or {})}, claims(**others), es256)


def compact(header: dict, payload: dict, sign: Callable[[bytes], bytes]) -> str:
    content = b".".join(part(json.dumps(value).encode()) for value in (header, payload))
    return (content + b"." + part(sign(content))).decode()


def part(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


async def reason(tokens: Tokens, token: str) -> str:
    with pytest.raises(Rejected) as caught:
        await tokens.authenticate(f"Bearer {token}")
    assert caught.value.kind is Kind.UNAUTHENTICATED
    return caught.value.reason


# --- who it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "actor"),
    [
        ({"sub": "person:lan"}, Actor("acme", "lan")),
        ({"sub": "lan"}, Actor("acme", "lan")),
        ({"sub": "service:importer"}, Actor("acme", "importer", "service")),
        ({"sub": "service:importer", "on_behalf_of": "nam"}, Actor("acme", "importer", "service", "person:nam")),
        ({"aud": ["other", "nhip"]}, Actor("acme", "lan")),
        ({"exp": NOW - 29}, Actor("acme", "lan")),
        ({"iat": NOW + 29}, Actor("acme", "lan")),
        ({"ver": "2.0", "roles": ["everything"]}, Actor("acme", "lan")),
    ],
    ids=str,
)
async def test_a_token_that_holds(issuer, tokens, more, actor):
    assert await tokens.authenticate("Bearer " + signed(issuer, **more)) == actor
    assert await tokens.authenticate("bearer " + signed(issuer, **more)) == actor


async def test_headers_that_an_issuer_adds_do_no_harm(issuer, tokens):
    assert await tokens.authenticate("Bearer " + signed(issuer, {"nonce": "x" * 600}))


@pytest.mark.parametrize(
    "more",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": "person:"},
        {"sub": "Lan"},
        {"sub": "group:all"},
        {"sub": "person:../etc"},
        {"sub": "lan\n"},
        {"sub": "a" * 65},
        {"sub": 7},
        {"tenant": None},
        {"tenant": "ACME"},
        {"tenant": ""},
        {"tenant": ["acme"]},
        {"on_behalf_of": "person:nam"},
        {"sub": "service:importer", "on_behalf_of": "a b"},
        {"iss": "https://else.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": None},
        {"iat": NOW + 31},
        {"nbf": NOW + 31},
    ],
    ids=str,
)
async def test_claims_that_do_not_hold(issuer, tokens, more):
    assert await reason(tokens, signed(issuer, **more)) == "TOKEN_INVALID"


async def test_an_expired_token(issuer, tokens):
    assert await reason(tokens, signed(issuer, exp=NOW - 31)) == "TOKEN_EXPIRED"


async def test_a_token_that_was_good_expires_all_the_same(issuer, tmp_path):
    now = [NOW]
    tokens = tokens_of(tmp_path, issuer.jwks(), now=lambda: now[0])
    token = signed(issuer)
    assert await tokens.authenticate(f"Bearer {token}")
    now[0] = NOW + 60 + 31
    assert await reason(tokens, token) == "TOKEN_EXPIRED"


LINKED = Claims(links=True, fixed_tenant="acme")


@pytest.mark.parametrize(
    ("whose", "more", "actor"),
    [
        # a claim of the company's own names the person, and another one the tenant
        (Claims("employee", "org"), {"employee": "lan", "org": "acme", "tenant": None}, Actor("acme", "lan")),
        (Claims(fixed_tenant="acme"), {"tenant": None}, Actor("acme", "lan")),
        (Claims(fixed_tenant="other"), {}, Actor("acme", "lan")),
        # the provider's own subject: a guest, until they are linked
        (
            LINKED,
            {"sub": "6f1c-44", "tenant": None, "email": " Lan@x.vn", "email_verified": True},
            Actor("acme", identity_id(ISSUER, "6f1c-44"), "guest", email="Lan@x.vn"),
        ),
        (LINKED, {"sub": "6f1c-44", "email": "lan@x.vn"}, Actor("acme", identity_id(ISSUER, "6f1c-44"), "guest")),
        (
            Claims(links=True, emails_verified=True),
            {"sub": "6f1c-44", "email": "lan@x.vn"},
            Actor("acme", identity_id(ISSUER, "6f1c-44"), "guest", email="lan@x.vn"),
        ),
        # what anybody may call themselves there makes nobody a service, or somebody else, here
        (LINKED, {"sub": "service:operator"}, Actor("acme", identity_id(ISSUER, "service:operator"), "guest")),
        (LINKED, {"sub": "person:nam"}, Actor("acme", identity_id(ISSUER, "person:nam"), "guest")),
        (LINKED, {"sub": "x", "nhip_principal": "service:importer"}, Actor("acme", "importer", "service")),
    ],
)
async def test_which_claims_say_who_it_is_is_the_operators_to_set(issuer, tmp_path, whose, more, actor):
    found = tokens_of(tmp_path, issuer.jwks(), claims=whose)
    assert await found.authenticate(f"Bearer {signed(issuer, **more)}") == actor


async def test_the_claim_for_services_names_no_person_and_a_refusal_names_the_claim(issuer, tmp_path):
    linked = tokens_of(tmp_path, issuer.jwks(), claims=LINKED)
    assert await reason(linked, signed(issuer, nhip_principal="person:nam")) == "TOKEN_INVALID"
    named = tokens_of(tmp_path, issuer.jwks(), claims=Claims(tenant="org"))
    with pytest.raises(Rejected, match="'org'"):
        await named.authenticate(f"Bearer {signed(issuer)}")
    with pytest.raises(Rejected, match="'aud'"):
        await linked.authenticate(f"Bearer {signed(issuer, aud='somebody-else')}")


# --- forgeries -------------------------------------------------------------------------------------------------------


async def test_no_token_at_all(tokens):
    with pytest.raises(Rejected, match="TOKEN_MISSING"):
        await tokens.authenticate("")


@pytest.mark.parametrize(
    "authorization", ["Basic bGFuOng=", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer ế.ế.ế"]
)
async def test_what_is_no_bearer_token(tokens, authorization):
    with pytest.raises(Rejected, match="TOKEN_INVALID"):
        await tokens.authenticate(authorization)


async def test_another_key_under_the_issuers_key_id(issuer, tokens):
    forged = jwt.encode({"alg": "ES256", "kid": issuer._key.thumbprint()}, claims(), jwk.ECKey.generate_key("P-256"))
    assert await reason(tokens, forged) == "TOKEN_INVALID"


async def test_a_key_that_the_token_brings_along(tokens):
    mine = jwk.ECKey.generate_key("P-256")
    forged = jwt.encode({"alg": "ES256", "kid": mine.thumbprint(), "jwk": mine.as_dict(private=False)}, claims(), mine)
    assert await reason(tokens, forged) == "TOKEN_INVALID"


async def test_algorithm_none(issuer, tokens):
    for algorithm in ("none", "None", ""):
        forged = compact({"alg": algorithm, "kid": issuer._key.thumbprint()}, claims(), lambda _: b"")
        assert await reason(tokens, forged) == "TOKEN_INVALID"


async def test_the_public_key_as_a_shared_secret(issuer, tokens):
    public = issuer._key.as_pem(private=False)
    header = {"alg": "HS256", "kid": issuer._key.thumbprint()}
    assert (
        await reason(tokens, compact(header, claims(), lambda content: hmac.digest(public, content, "sha256")))
        == "TOKEN_INVALID"
    )


async def test_claims_that_were_changed_after_signing(issuer, tokens):
    head, _, signature = signed(issuer).split(".")
    other = part(json.dumps(claims(sub="person:nam")).encode()).decode()
    assert await reason(tokens, f"{head}.{other}.{signature}") == "TOKEN_INVALID"


async def test_an_extension_that_must_be_understood(issuer, tokens):
    assert await reason(tokens, signed(issuer, {"crit": ["x"], "x": 1})) == "TOKEN_INVALID"


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", jwk.RSAKey.generate_key(2048)),
        ("EdDSA", jwk.OKPKey.generate_key("Ed25519")),
        ("Ed25519", jwk.OKPKey.generate_key("Ed25519")),
    ],
    ids=["RS256", "EdDSA", "Ed25519"],
)
async def test_the_usual_signatures_are_accepted(tmp_path, algorithm, key):
    tokens = tokens_of(tmp_path, {"keys": [key.as_dict(private=False)]})
    with warnings.catch_warnings(action="ignore"):  # EdDSA is an old name
        token = jwt.encode({"alg": algorithm}, claims(), key, algorithms=[algorithm])
    assert await tokens.authenticate(f"Bearer {token}") == Actor("acme", "lan")


async def test_a_set_of_keys_may_hold_others_beside(issuer, tmp_path):
    others = [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "new", "kid": "n"},
        "nonsense",
        {"kty": "RSA"},
        {**issuer.jwks()["keys"][0], "use": "enc", "kid": "e"},
    ]
    tokens = tokens_of(tmp_path, {"keys": [*others, *issuer.jwks()["keys"]]})
    assert await tokens.authenticate("Bearer " + signed(issuer))


async def test_without_keys_no_token_can_be_judged(issuer, tmp_path):
    tokens = Tokens(issuer=ISSUER, audience="nhip", keys=Keys(str(tmp_path / "missing.json")))
    with pytest.raises(KeysUnavailable):
        await tokens.authenticate("Bearer " + signed(issuer))


class Published:
    """An issuer's JWKS page on loopback that counts its visitors and can fail."""

    def __init__(self, jwks: dict):
        self.jwks, self.fetched, self.status = jwks, 0, 200
        outer = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.fetched += 1
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(json.dumps(outer.jwks).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def published(issuer):
    page = Published(issuer.jwks())
    yield page
    page.server.shutdown()
    page.server.server_close()


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def online(published, clock) -> Tokens:
    return Tokens(issuer=ISSUER, audience="nhip", keys=Keys(published.url, clock=lambda: clock[0]), now=lambda: NOW)


async def test_keys_are_fetched_once_for_many_who_ask_at_once(issuer, online, published):
    await asyncio.gather(*(online.authenticate("Bearer " + issuer.mint("acme", f"person:p{n}")) for n in range(20)))
    assert published.fetched == 1


async def test_a_fetch_goes_on_when_who_asked_first_gives_up(issuer, online, published):
    first = asyncio.create_task(online.authenticate("Bearer " + issuer.mint("acme", "lan")))
    await asyncio.sleep(0)
    first.cancel()
    assert await online.authenticate("Bearer " + issuer.mint("acme", "nam"))
    assert published.fetched == 1


async def test_a_new_key_is_found_but_made_up_ones_do_not_bother_the_issuer(issuer, online, published, clock, tmp_path):
    assert await online.authenticate("Bearer " + issuer.mint("acme", "lan"))
    rotated = DemoIssuer(host="::1", key_file=tmp_path / "second.json", issuer=ISSUER, now=lambda: NOW)
    published.jwks = {"keys": issuer.jwks()["keys"] + rotated.jwks()["keys"]}
    clock[0] += 10
    assert await online.authenticate("Bearer " + rotated.mint("acme", "lan"))
    assert published.fetched == 2
    for _ in range(5):
        stranger = jwk.ECKey.generate_key("P-256")
        assert (
            await reason(online, jwt.encode({"alg": "ES256", "kid": stranger.thumbprint()}, claims(), stranger))
            == "TOKEN_INVALID"
        )
    assert published.fetched == 2


async def test_the_last_good_keys_are_kept_while_the_issuer_is_away(issuer, online, published, clock):
    assert await online.authenticate("Bearer " + issuer.mint("acme", "lan"))
    for status, jwks in ((500, published.jwks), (200, {"keys": []}), (200, {"keys": "gone"}), (200, [])):
        before, published.status, published.jwks = published.fetched, status, jwks
        clock[0] += 700
        assert await online.authenticate("Bearer " + issuer.mint("acme", "nam"))
        await asyncio.wait_for(fetched(published, before + 1), 5)
        assert await online.authenticate("Bearer " + issuer.mint("acme", "tu"))


async def test_a_key_that_was_withdrawn_ends(issuer, online, published, clock, tmp_path):
    token = "Bearer " + issuer.mint("acme", "lan")
    assert await online.authenticate(token)
    published.jwks = DemoIssuer(host="::1", key_file=tmp_path / "second.json", issuer=ISSUER).jwks()
    clock[0] += 601
    assert await online.authenticate(token), "old keys count until new ones are there"
    await asyncio.wait_for(fetched(published, 2), PATIENCE)
    assert await reason(online, token.removeprefix("Bearer ")) == "TOKEN_INVALID"


async def fetched(published: Published, times: int) -> None:
    while published.fetched < times:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)


# --- the demo issuer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", "", "localhost.example.com"])
def test_the_demo_issuer_is_for_loopback_only(tmp_path, host):
    with pytest.raises(ValueError, match="loopback only"):
        DemoIssuer(host=host, key_file=tmp_path / "key", issuer=ISSUER)
    assert not list(tmp_path.iterdir())


def test_the_demo_issuer_keeps_its_key_for_itself(tmp_path):
    path = tmp_path / "key.json"
    first = DemoIssuer(host="127.0.0.1", key_file=path, issuer=ISSUER)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.json"]
    assert DemoIssuer(host="127.0.0.1", key_file=path, issuer=ISSUER).jwks() == first.jwks()
    assert "d" not in first.jwks()["keys"][0]
    path.chmod(0o640)
    with pytest.raises(PermissionError):
        DemoIssuer(host="127.0.0.1", key_file=path, issuer=ISSUER)


# --- whatever it is --------------------------------------------------------------------------------------------------

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.text(max_size=20)
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 2**63, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CLAIM = st.sampled_from(["iss", "aud", "sub", "tenant", "iat", "exp", "nbf", "on_behalf_of", "jti"])
HEADER = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku", "x5c"])


@pytest.fixture(scope="module")
def steady(tmp_path_factory) -> tuple[DemoIssuer, Tokens]:
    path = tmp_path_factory.mktemp("issuer")
    issuer = DemoIssuer(host="localhost", key_file=path / "issuer.json", issuer=ISSUER, now=lambda: NOW)
    return issuer, tokens_of(path, issuer.jwks())


async def judged(tokens: Tokens, text: str) -> None:
    """Either it holds, or it is refused as a token; nothing else may happen."""
    try:
        outcome = await tokens.authenticate(text)
    except Rejected as refused:
        outcome = refused.kind
    assert outcome is Kind.UNAUTHENTICATED or isinstance(outcome, Actor)


@given(more=st.dictionaries(CLAIM, ANY, max_size=4), header=st.dictionaries(HEADER, ANY, max_size=2))
def test_a_signed_token_holds_or_is_refused_as_a_token_whatever_it_claims(steady, more, header):
    issuer, tokens = steady
    asyncio.run(judged(tokens, "Bearer " + signed(issuer, header, **more)))


@given(text=st.text(max_size=200) | st.text(alphabet="ey.JhbGci_-=", max_size=200))
def test_a_text_that_is_no_token_is_refused_as_one(steady, text):
    _, tokens = steady
    asyncio.run(judged(tokens, text))
    asyncio.run(judged(tokens, f"Bearer {text}"))


@pytest.mark.parametrize("exp", [10**400, -(10**400), float("inf"), float("nan"), True, "1800000060", [], {}])
async def test_a_token_with_an_absurd_end_is_no_token(issuer, tokens, exp):
    assert await reason(tokens, signed(issuer, exp=exp)) in ("TOKEN_INVALID", "TOKEN_EXPIRED")


async def test_json_that_is_nested_without_end_is_no_token(tokens):
    deep = part(b"[" * 100_000 + b"]" * 100_000).decode()
    assert await reason(tokens, f"{deep}.e30.AA") == "TOKEN_INVALID"
    assert await reason(tokens, f"e30.{deep}.AA") == "TOKEN_INVALID"
