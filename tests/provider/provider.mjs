// A certified identity provider for tests: node provider.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI
// It has its own pages for logging in and agreeing. POST /rotate makes it sign with another key from then on.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [port, clientId, clientSecret, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

function key(kid) {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...pair.privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

// What the provider remembers outlives a change of its keys.
const kept = new Map();
class Memory {
  constructor(model) {
    this.model = model;
  }
  place(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    kept.set(this.place(id), payload);
    if (payload.uid) kept.set(this.place(`uid:${payload.uid}`), payload);
  }
  async find(id) {
    return kept.get(this.place(id));
  }
  async findByUid(uid) {
    return kept.get(this.place(`uid:${uid}`));
  }
  async consume(id) {
    kept.get(this.place(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    kept.delete(this.place(id));
  }
  async revokeByGrantId(grantId) {
    for (const [place, payload] of kept) if (payload.grantId === grantId) kept.delete(place);
  }
}

function configured(keys) {
  const provider = new Provider(issuer, {
    adapter: Memory,
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
    jwks: { keys },
    pkce: { required: () => true },
    cookies: { keys: ["a key that signs cookies of tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["nickname"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, nickname: id, email: `${id}@example.com`, email_verified: true }),
    }),
    ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 300, Session: 300, Grant: 300 },
  });
  return provider.callback();
}

let answer = configured([key("first")]);

createServer((request, response) => {
  if (request.method === "POST" && request.url === "/rotate") {
    answer = configured([key("second")]);
    response.writeHead(204).end();
  } else {
    answer(request, response);
  }
}).listen(Number(port), "127.0.0.1", () => console.log(`listening at ${issuer}`));
