// node's certified OpenID Provider, configured like Latchkey in benches/sign_on.rs: PKCE, claims by userinfo, everything
// in memory. Every visitor of its sign-in page is signed in.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, clientId, clientSecret, redirectUri] = process.argv.slice(2);
const jwk = (type, options, extra) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
  use: "sig",
  ...extra,
});
const client = (algorithm) => ({
  client_id: `${clientId}-${algorithm.toLowerCase()}`,
  client_secret: clientSecret,
  redirect_uris: [redirectUri],
  id_token_signed_response_alg: algorithm,
});

const provider = new Provider(`http://localhost:${port}`, {
  clients: [client("RS256"), client("ES256")],
  jwks: {
    keys: [
      jwk("rsa", { modulusLength: 2048 }, { alg: "RS256" }),
      jwk("ec", { namedCurve: "P-256" }, { alg: "ES256" }),
    ],
  },
  cookies: { keys: ["the key of a measurement"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true, name: id, preferred_username: id }),
  }),
  async loadExistingGrant(context) {
    const { session, client: asking, provider: own } = context.oidc;
    const known = session.grantIdFor(asking.clientId);
    if (known) return own.Grant.find(known);
    const grant = new own.Grant({ clientId: asking.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

let users = 0;
const answer = provider.callback();
createServer(async (request, response) => {
  if (request.url.startsWith("/interaction/")) {
    users += 1;
    await provider.interactionFinished(request, response, { login: { accountId: `user${users}` } });
  } else {
    answer(request, response);
  }
}).listen(Number(port), "127.0.0.1");
