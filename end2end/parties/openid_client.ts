// A small relying party with openid-client: an independent implementation of the standards.

import { type Server as HttpServer, createServer } from "node:http";
import * as oidc from "openid-client";

export type ClientCredentials = { client_id: string; client_secret?: string };

/** Additional parameters of the authorization request. */
export type AuthorizationParameters = Record<string, string>;

export class RelyingParty {
  private constructor(
    readonly origin: string,
    private readonly server: HttpServer,
  ) {}

  /** Starts listening; the client is registered with its origin before it is used. */
  static async start(issuer: string, register: (origin: string) => Promise<ClientCredentials>): Promise<RelyingParty> {
    let party: { config: oidc.Configuration } | undefined;
    let pending: { verifier: string; state: string; nonce: string } | undefined;
    let idToken: string | undefined;
    let logouts = 0;
    const server = createServer(async (request, response) => {
      const url = new URL(request.url ?? "/", origin);
      const html = (text: string) =>
        response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><title>App</title><link rel="icon" href="data:,"><main>${text}</main>`);
      try {
        const { config } = party ?? (() => { throw new Error("not registered"); })();
        if (url.pathname === "/login") {
          pending = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() };
          const address = oidc.buildAuthorizationUrl(config, {
            redirect_uri: `${origin}/callback`,
            scope: "openid profile email",
            code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
            code_challenge_method: "S256",
            state: pending.state,
            nonce: pending.nonce,
            ...Object.fromEntries(url.searchParams),
          });
          response.writeHead(303, { location: address.href }).end();
        } else if (url.pathname === "/callback" && pending) {
          const checks = { pkceCodeVerifier: pending.verifier, expectedState: pending.state, expectedNonce: pending.nonce };
          const tokens = await oidc.authorizationCodeGrant(config, url, checks);
          const claims = tokens.claims();
          if (!claims) throw new Error("no ID token");
          idToken = tokens.id_token;
          const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
          const refreshed = tokens.refresh_token ? await oidc.refreshTokenGrant(config, tokens.refresh_token) : undefined;
          const result = { claims, info, refreshed: refreshed !== undefined };
          html(`<h1>Signed in as ${info.preferred_username}</h1><pre>${JSON.stringify(result)}</pre>`);
        } else if (url.pathname === "/logout" && idToken) {
          const address = oidc.buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: `${origin}/bye`, state: "s" });
          response.writeHead(303, { location: address.href }).end();
        } else if (url.pathname === "/backchannel") {
          logouts += 1;
          response.writeHead(200).end();
        } else if (url.pathname === "/bye") {
          html(`<h1>Bye</h1><pre>${JSON.stringify({ state: url.searchParams.get("state") })}</pre>`);
        } else {
          html(`<h1>Welcome</h1><pre>${JSON.stringify({ logouts })}</pre>`);
        }
      } catch (cause) {
        const error = cause as { error?: string; message?: string };
        html(`<h1>Failed</h1><pre>${JSON.stringify({ error: error.error ?? error.message ?? String(cause) })}</pre>`);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const { client_id, client_secret } = await register(origin);
    const options = { execute: [oidc.allowInsecureRequests] };
    const authentication = client_secret ? oidc.ClientSecretBasic(client_secret) : oidc.None();
    const metadata = { client_secret };
    party = { config: await oidc.discovery(new URL(issuer), client_id, metadata, authentication, options) };
    return new RelyingParty(origin, server);
  }

  /** The URL that sends a browser to sign in. */
  login(asked: AuthorizationParameters = {}): string {
    return `${this.origin}/login?${new URLSearchParams(asked)}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
