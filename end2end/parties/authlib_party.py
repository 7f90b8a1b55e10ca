"""A small relying party with Authlib, in a process of its own: an independent implementation of the standards.

Writes its origin to standard output, then reads one line of JSON from standard input (issuer, client_id, client_secret).
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# The provider under test is local, without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

SCOPES = "openid profile email groups offline_access"
visit = {}
party = {}


def begin():
    """Returns the authorization URL for the browser."""
    visit["verifier"], visit["nonce"] = generate_token(48), generate_token(20)
    address, visit["state"] = party["session"].create_authorization_url(
        party["metadata"]["authorization_endpoint"], code_verifier=visit["verifier"], nonce=visit["nonce"]
    )
    return address


def finish(address):
    """Redeems the code, checks the ID token, reads userinfo, refreshes, introspects and revokes."""
    metadata, session = party["metadata"], party["session"]
    token = session.fetch_token(
        metadata["token_endpoint"],
        authorization_response=address,
        state=visit["state"],
        code_verifier=visit["verifier"],
    )
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=5).json())
    options = {
        "iss": {"essential": True, "value": metadata["issuer"]},
        "aud": {"essential": True, "value": party["client_id"]},
        "nonce": {"value": visit["nonce"]},
    }
    read = jwt.decode(token["id_token"], keys, algorithms=["RS256", "ES256"])
    told = {"nonce": visit["nonce"], "client_id": party["client_id"], "access_token": token["access_token"]}
    claims = CodeIDToken(read.claims, read.header, options, told)
    claims.validate()
    info = session.get(metadata["userinfo_endpoint"]).json()
    assert info["sub"] == claims["sub"], (info, claims)
    refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    active = session.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
    session.revoke_token(metadata["revocation_endpoint"], token=token["refresh_token"])
    ended = session.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
    return {"claims": dict(claims), "info": info, "active": active["active"], "ended": ended["active"]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/login":
            self.send_response(303)
            self.send_header("location", begin())
            self.end_headers()
            return
        if path == "/callback":
            error = parse_qs(urlsplit(self.path).query).get("error")
            told = {"error": error[0]} if error else finish(f"{party['origin']}{self.path}")
        else:
            told = {}
        body = f"<!doctype html><title>App</title><link rel=icon href=data:,><pre>{json.dumps(told)}</pre>".encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
party["origin"] = f"http://127.0.0.1:{server.server_address[1]}"
print(party["origin"], flush=True)
given = json.loads(sys.stdin.readline())
party["client_id"] = given["client_id"]
party["metadata"] = requests.get(f"{given['issuer']}/.well-known/openid-configuration", timeout=5).json()
party["session"] = OAuth2Session(
    given["client_id"],
    given["client_secret"],
    scope=SCOPES,
    redirect_uri=f"{party['origin']}/callback",
    code_challenge_method="S256",
)
print("ready", flush=True)
server.serve_forever()
