"""A provider of OpenID Connect over loopback: strict about what it is asked, false when told to."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "ml-connector", "a secret with a : and a + in it"
LIFE_S = 300


@dataclass
class Issued:
    """A code that was handed out, and for what."""

    query: dict[str, str]
    claims: dict[str, Any]


@dataclass
class FakeProvider:
    """Who signs in there next, and how its tokens are to be wrong."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    """What it says of whoever signs in next; `sub` at least."""
    spoilt: dict[str, Any] = field(default_factory=dict)
    """Claims of the next token that are otherwise than they should be; None: left out."""
    userinfo: dict[str, Any] | None = None
    """Said beside the token; None: there is no such endpoint."""
    algorithm: str = "RS256"
    key_id: str = "k1"
    shown_key_ids: list[str] = field(default_factory=lambda: ["k1"])
    by_basic: bool = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, Issued] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    other_key: Any = None

    def answer(self, path: str, query: dict[str, str], headers: Any) -> tuple[int, Any]:
        """Status, and JSON or an address."""
        self.asked.append(path)
        match path:
            case "/.well-known/openid-configuration":
                return 200, self._describe()
            case "/jwks":
                return 200, {"keys": [self._show_key(one) for one in self.shown_key_ids]}
            case "/authorize":
                return self._authorize(query)
            case "/token":
                return self._exchange(query, headers)
            case "/userinfo":
                return 200, self.userinfo
        return 404, {}

    def _describe(self) -> dict[str, Any]:
        named: dict[str, Any] = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks",
        }  # fmt: skip
        if self.by_basic:
            named["token_endpoint_auth_methods_supported"] = ["client_secret_basic"]
        if self.userinfo is not None:
            named["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return named

    def _show_key(self, name: str) -> dict[str, Any]:
        shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {**shown, "kid": name, "use": "sig"}

    def _authorize(self, query: dict[str, str]) -> tuple[int, Any]:
        is_right = (
            query["client_id"] == CLIENT
            and query["response_type"] == "code"
            and query["code_challenge_method"] == "S256"
            and "openid" in query["scope"].split()
            and len(query["nonce"]) > 20
        )
        if not is_right:
            return 400, {"error": "invalid_request"}
        code = secrets.token_hex(8)
        self.codes[code] = Issued(query=query, claims=dict(self.person))
        back = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        return 302, f"{query['redirect_uri']}?{back}"

    def _exchange(self, fields: dict[str, str], headers: Any) -> tuple[int, Any]:
        issued = self.codes.pop(fields.get("code", ""), None)
        if issued is None or not self._knows(fields, headers):
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != issued.query["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if fields["redirect_uri"] != issued.query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self._sign(issued)}

    def _knows(self, fields: dict[str, str], headers: Any) -> bool:
        if not self.by_basic:
            return (fields.get("client_id"), fields.get("client_secret")) == (CLIENT, SECRET)
        pair = urlencode({CLIENT: SECRET}).replace("=", ":", 1)
        shown = str(headers["Authorization"])
        return shown == f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _sign(self, issued: Issued) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + LIFE_S,
            "nonce": issued.query["nonce"], **issued.claims, **self.spoilt,
        }  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        key: Any = self.other_key or self.key
        if self.algorithm == "HS256":
            key = SECRET * 2
        if self.algorithm == "none":
            key = None
        return jwt.encode(kept, key, algorithm=self.algorithm, headers={"kid": self.key_id})


@contextmanager
def serving_provider() -> Iterator[FakeProvider]:
    """The provider answers at its issuer until the end of the block."""
    provider = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._reply(parts.path, dict(parse_qsl(parts.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply(urlsplit(self.path).path, dict(parse_qsl(body)))

        def _reply(self, path: str, query: dict[str, str]) -> None:
            status, said = provider.answer(path, query, self.headers)
            content = b"" if status == 302 else json.dumps(said).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", said)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
