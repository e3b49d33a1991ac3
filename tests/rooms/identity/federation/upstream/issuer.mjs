// An OpenID Connect issuer for tests: node-oidc-provider with accounts that tests make, who say yes to everything.
//   node issuer.mjs   prints its port; GET <authorize>&login_hint=<sub> signs that account in.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const { generateKeyPair, exportJWK } = await import(pathToFileURL(require.resolve("jose")));

const GUID = "11111111-2222-3333-4444-555555555555";
const accounts = new Map();

const keys = [];
for (const alg of ["RS256", "ES256"]) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  keys.push({ ...(await exportJWK(privateKey)), alg, use: "sig", kid: `key-${alg}` });
}
const clientKey = JSON.parse(process.env.CLIENT_JWK ?? "null");
const callbacks = ["up", "other", "entra", "google", "bare", "jwt", "post"].map(
  (name) => `https://shop.example/auth/federation/${name}/callback`,
);
const client = (client_id, how, more = {}) => ({
  client_id,
  token_endpoint_auth_method: how,
  redirect_uris: callbacks,
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  ...more,
});

const configuration = {
  clients: [
    client("basic", "client_secret_basic", { client_secret: "se:cret/+%" }),
    client("post", "client_secret_post", { client_secret: "secret" }),
    client("public", "none"),
    client("es", "client_secret_basic", { client_secret: "secret", id_token_signed_response_alg: "ES256" }),
    ...(clientKey ? [client("jwt", "private_key_jwt", { jwks: { keys: [clientKey] } })] : []),
  ],
  jwks: { keys },
  cookies: { keys: ["for tests"] },
  claims: { openid: ["sub", "tid", "hd"], email: ["email", "email_verified"], profile: ["name"] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, Interaction: 600, Session: 600, Grant: 600, IdToken: 600, RefreshToken: 600 },
  interactions: { url: (ctx, interaction) => `${new URL(ctx.oidc.issuer).pathname.replace(/\/$/, "")}/say-yes/${interaction.uid}` },
  async findAccount(ctx, sub) {
    const claims = accounts.get(sub);
    return claims && { accountId: sub, claims: async () => ({ ...claims, sub }) };
  },
};

function issuer(url, more) {
  const provider = new Provider(url, { ...configuration, ...more });
  const handle = provider.callback();
  return async (req, res) => {
    if (!req.url.startsWith("/say-yes/")) return handle(req, res);
    const { prompt, params, session, grantId } = await provider.interactionDetails(req, res);
    if (params.login_hint === "nobody") {
      return provider.interactionFinished(req, res, { error: "access_denied", error_description: "<b>no</b>" });
    }
    if (prompt.name === "login") {
      return provider.interactionFinished(req, res, { login: { accountId: params.login_hint } });
    }
    const grant = grantId ? await provider.Grant.find(grantId) : undefined;
    const given = grant ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    given.addOIDCScope(params.scope);
    return provider.interactionFinished(req, res, { consent: { grantId: await given.save() } });
  };
}

const server = createServer(async (req, res) => {
  try {
    req.originalUrl = req.url;
    if (req.url === "/_account") {
      let body = "";
      for await (const piece of req) body += piece;
      const { sub, ...claims } = JSON.parse(body);
      accounts.set(sub, claims);
      return res.writeHead(204).end();
    }
    const entra = `/${GUID}/v2.0`;
    if (req.url.startsWith("/common/v2.0/.well-known/")) {
      // As Entra does for `common`: everybody's endpoints, and an issuer with a place for the tenant.
      const told = await (await fetch(`${address}${entra}/.well-known/openid-configuration`)).json();
      told.issuer = `${address}/{tenantid}/v2.0`;
      told.authorization_response_iss_parameter_supported = false;
      return res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(told));
    }
    if (req.url.startsWith(`${entra}/`)) {
      req.url = req.url.slice(entra.length);
      return await tenant(req, res);
    }
    return await root(req, res);
  } catch (error) {
    console.error(error);
    res.writeHead(500).end(String(error));
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}`;
const root = issuer(address, { conformIdTokenClaims: process.env.CONFORM === "1" });
const tenant = issuer(`${address}/${GUID}/v2.0`, { conformIdTokenClaims: false });
console.log(`ready ${server.address().port}`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
